import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sshd } from './sshd.ts';

const isRoot = process.getuid?.() === 0;
/** Delays are made by a program (few kernels have netem), rates by the kernel: tbf. */
export const maySlowLinks =
  isRoot &&
  existsSync('/dev/net/tun') &&
  ['perl', 'tc'].every((program) => spawnSync(program, ['-V']).error === undefined) &&
  spawnSync('unshare', ['-n', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', '1mbit', 'burst', '5kb', 'latency', '50ms'])
    .status === 0;

export interface SlowLinkOptions {
  /** One way. */
  delayMs: number;
  /** As tc writes it. */
  rate: string;
  /** What the slower end keeps before it throws packets away, as in a modem. */
  queueBytes: number;
}

const HERE = '10.213.0.1';
const THERE = '10.213.0.2';

/**
 * A link to an sshd in a network namespace of its own, slow in both directions: IP packets wait, each for the given time, between two tun
 * devices with a token bucket each. All that TCP does about delay, loss and queues, it does here.
 */
export class SlowLink {
  readonly #sshd: Sshd;
  readonly #near: ChildProcess;
  readonly #line: ChildProcess;

  private constructor(sshd: Sshd, near: ChildProcess, line: ChildProcess) {
    this.#sshd = sshd;
    this.#near = near;
    this.#line = line;
  }

  /** @param sshd started in a network of its own */
  static async to(sshd: Sshd, { delayMs, rate, queueBytes }: SlowLinkOptions): Promise<SlowLink> {
    const near = spawn('unshare', ['-n', 'sh', '-c', 'echo up; exec sleep infinity'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await said(near, 'up');
    const script = sshd.path('line.pl');
    writeFileSync(script, DELAY_LINE);
    const inside = ['-n', '-t', String(near.pid), 'perl', script, String(delayMs), 'near', String(sshd.pid)];
    const line = spawn('nsenter', inside, { stdio: ['ignore', 'pipe', 'inherit'] });
    const link = new SlowLink(sshd, near, line);
    try {
      await said(line, 'up');
      for (const [pid, own, peer] of [
        [near.pid, HERE, THERE],
        [sshd.pid, THERE, HERE],
      ] as const) {
        const set = [
          `ip addr add ${own} peer ${peer} dev slow`,
          'ip link set slow mtu 1500 up',
          `tc qdisc add dev slow root tbf rate ${rate} burst 3000 limit ${queueBytes}`,
        ].join(' && ');
        const done = spawnSync('nsenter', ['-n', '-t', String(pid), 'sh', '-c', set], { encoding: 'utf8' });
        if (done.status !== 0) throw new Error(done.stderr);
      }
      return link;
    } catch (error) {
      link.dispose();
      throw error;
    }
  }

  /** For ssh_config. */
  get proxyCommand(): string {
    const script = join(this.#sshd.folder, 'through-slow.cjs');
    writeFileSync(
      script,
      `const s = require('node:net').connect({ port: ${this.#sshd.port}, host: '${THERE}', noDelay: true });\ns.on('error', () => process.exit(1));\nprocess.stdin.pipe(s).pipe(process.stdout);\n// Nobody answers a goodbye when the line is gone.\nprocess.stdin.on('close', () => process.exit());\n`,
    );
    return `nsenter -n -t ${this.#near.pid} ${process.execPath} ${script}`;
  }

  /** Packets of this size each way, in ms; for those who want to know what the link is. */
  ping(): number {
    const { stdout } = spawnSync('nsenter', ['-n', '-t', String(this.#near.pid), 'ping', '-c', '3', '-i', '0.2', '-q', THERE], {
      encoding: 'utf8',
    });
    return Number(/= [\d.]+\/([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
  }

  dispose(): void {
    this.#line.kill('SIGKILL');
    this.#near.kill('SIGKILL');
  }
}

function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      if (text.includes(word)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`it ended with code ${code}`)));
  });
}

/** Opens a tun device here, then, with that in hand, one in the other namespace; what comes out of one goes late into the other. */
const DELAY_LINE = `use strict; use warnings; use Time::HiRes 'time';
$^F = 10;
my ($delay, $at, $there, $first) = @ARGV;
sub tun {
  open(my $f, '+<', '/dev/net/tun') or die "tun: $!";
  my $request = pack('a16 s x22', 'slow', 0x1001);
  ioctl($f, 0x400454ca, $request) or die "tun: $!";
  return $f;
}
if ($at eq 'near') {
  my $f = tun();
  exec('nsenter', '-n', '-t', $there, 'perl', $0, $delay, 'far', $there, fileno $f) or die $!;
}
open(my $one, '+<&=', $first) or die $!;
my @ends = ($one, tun());
my @late = ([], []);
$| = 1; print "up\\n";
while (1) {
  my $now = time;
  my $next = 1;
  for my $i (0, 1) {
    while (@{$late[$i]} && $late[$i][0][0] <= $now) { syswrite($ends[1 - $i], (shift @{$late[$i]})->[1]) }
    if (@{$late[$i]}) { my $left = $late[$i][0][0] - $now; $next = $left if $left < $next }
  }
  my $want = ''; vec($want, fileno $_, 1) = 1 for @ends;
  next unless select(my $ready = $want, undef, undef, $next) > 0;
  for my $i (0, 1) {
    next unless vec($ready, fileno $ends[$i], 1);
    my $packet; sysread($ends[$i], $packet, 65536) or next;
    push @{$late[$i]}, [time + $delay / 1000, $packet];
  }
}
`;
