/** A running virtual machine, reached over SSH on a loopback port. Emulated where KVM is not to be had: slow, and the same. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../lib/run.mjs';
import { Stop } from '../lib/say.mjs';

const BOOT_MS = 600_000;
/** Of one command by SSH until it begins: a machine that is emulated on a busy one takes its time. */
const ANSWER_S = 120;

/**
 * What the machine's clock goes by. `time`: two processors and the world's clock, for what speaks with the world outside. `work`:
 * one processor, two nanoseconds for each of its instructions, and real time only while it waits. What runs in it finds itself on
 * a machine as fast as others, and its time limits mean the same, however slow the emulation is and however busy the machine
 * around it.
 */
const CLOCKS = {
  time: ['-accel', 'tcg,thread=multi', '-smp', '2'],
  work: ['-accel', 'tcg,thread=single', '-smp', '1', '-icount', 'shift=1,sleep=on', '-rtc', 'clock=vm'],
};

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
    server.on('error', reject);
  });
}

/**
 * Boots a machine on snapshots of disks: what it writes is gone with it.
 *
 * @param image    see vmDisk
 * @param options  `disks`: more images, as /dev/vdb …; `memory` in MiB; `reboots`: it may, else that ends it; `clock`: see CLOCKS
 * @returns { port, key, ssh, copyFrom, stop }: `ssh(command, options)` as `run` does; `port` is sshd's on 127.0.0.1
 */
export async function startMachine(image, { disks = [], memory = 2048, reboots = false, clock = 'time' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-vm-'));
  const port = await freePort();
  const args = [
    ...[...CLOCKS[clock], '-cpu', 'max', '-m', String(memory), '-nographic'],
    ...(reboots ? [] : ['-no-reboot']),
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', 'root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0'],
    ...[image.disk, ...disks].flatMap((disk) => ['-drive', `file=${disk},if=virtio,format=raw,snapshot=on`]),
    ...['-netdev', `user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:22`, '-device', 'virtio-net-pci,netdev=n'],
  ];
  // It does not outlive us, however we end.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder },
  });
  let console_ = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (console_ = (console_ + text).slice(-20_000)));
  const ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  const sshOptions = [
    ...['-i', image.key, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', `-oConnectTimeout=${ANSWER_S}`, '-o', 'LogLevel=ERROR'],
    ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
  ];
  const ssh = (command, options = {}) =>
    run('ssh', [...sshOptions, '-p', String(port), 'root@127.0.0.1', command], { quiet: true, ...options });
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };

  const deadline = Date.now() + BOOT_MS;
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Stop(`the virtual machine did not come up:\n${console_.slice(-2000)}`);
    }
    const { code } = await ssh('true', { timeoutMs: (ANSWER_S + 60) * 1000 });
    if (code === 0) break;
    await delay(1000);
  }
  return {
    port,
    key: image.key,
    ssh,
    stop,
    /** Reads a file of the machine's into one of ours. */
    async copyFrom(path, target) {
      const { code, output } = await ssh(`cat ${path}`);
      if (code === 0) writeFileSync(target, output);
      return code === 0;
    },
  };
}
