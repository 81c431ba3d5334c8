import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { ConfigFiles } from '../ssh/config.ts';
import { readConfigFiles } from '../ssh/config.ts';

const SSHD = ['/usr/sbin/sshd', '/usr/bin/sshd', '/sbin/sshd'].find((path) => spawnSync(path, ['-V']).error === undefined);
export const hasSshd = SSHD !== undefined && spawnSync('ssh-keygen', ['-?']).error === undefined;
/** Whoever has a password exists in a mount namespace only, which takes root. */
export const mayHavePasswords = hasSshd && process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;

/** With a password, without rights on root's sockets. */
export const GUEST = { name: 'gantryguest', uid: 64_901, password: 'correct horse', shell: '/bin/sh' };

/**
 * Without what the machine's user has for their own shells: it may take long, print, or be left locked by a session that a test kills
 * (pyenv's rehash is).
 */
const PLAIN_SHELL = ['.bashrc', '.bash_profile', '.bash_login', '.profile', '.zshrc', '.zshenv']
  // Not $HOME, which a test may have set for the application.
  .map((file) => join(userInfo().homedir, file))
  .map((file) => `[ ! -e '${file}' ] || mount --bind /dev/null '${file}'`)
  .join('; ');

export interface SshdOptions {
  address?: '127.0.0.1' | '::1';
  /** Types of host keys besides ed25519; `rsa` lies in host_rsa. */
  hostKeys?: string[];
  /** Lines for sshd_config; `$FOLDER` is the server's. */
  config?: string[];
  /** It takes certificates that its key `ca` has signed. */
  authority?: boolean;
  /** The guest may sign in, by a password or by a question (keyboard-interactive through PAM). */
  guest?: 'password' | 'interactive';
  /** Commands run before sshd in its mount namespace (root only); `$FOLDER` is the server's. */
  mounts?: string[];
  /** In a network namespace of its own: only `proxyCommand` or a SlowLink leads there (root only). */
  network?: boolean;
}

/** A real sshd on a loopback port, with keys, configuration and users of its own. */
export class Sshd {
  readonly folder: string;
  readonly address: string;
  port = 0;
  /** Of the user who runs the tests. */
  readonly user = userInfo().username;
  #child: ChildProcess | undefined;
  #log = '';
  readonly #options: SshdOptions;

  private constructor(folder: string, options: SshdOptions) {
    this.folder = folder;
    this.#options = options;
    this.address = options.address ?? '127.0.0.1';
  }

  static async start(options: SshdOptions = {}): Promise<Sshd> {
    const sshd = new Sshd(mkdtempSync(join(tmpdir(), 'gantry-sshd-')), options);
    sshd.newKey('host_key');
    for (const type of options.hostKeys ?? []) sshd.newKey(`host_${type}`, { type });
    if (options.authority) sshd.newKey('ca');
    sshd.newKey('user_key');
    sshd.allow('user_key');
    sshd.port = await freePort(sshd.address);
    await sshd.listen();
    return sshd;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Makes a key pair; @returns the private one's path */
  newKey(name: string, { type = 'ed25519', passphrase = '', pem = false } = {}): string {
    const path = this.path(name);
    rmSync(path, { force: true });
    rmSync(`${path}.pub`, { force: true });
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', `test ${name}`, '-f', path, ...(pem ? ['-m', 'PEM'] : [])]);
    return path;
  }

  /** These keys, and no others, open the door. */
  allow(...names: string[]): void {
    writeFileSync(this.path('authorized_keys'), names.map((name) => readFileSync(`${this.path(name)}.pub`, 'utf8')).join(''));
  }

  /**
   * Has the key `ca` sign another, whose certificate then lies beside it as `-cert.pub` (see `authority`).
   *
   * @param valid as ssh-keygen -V takes it
   */
  certify(
    name: string,
    { ca = 'ca', id = `${name} of the tests`, principals = [this.user], valid = '-5m:+1h', more = [] as string[] } = {},
  ): string {
    const named = principals.length > 0 ? ['-n', principals.join(',')] : [];
    const args = ['-q', '-s', this.path(ca), '-I', id, '-V', valid, ...named, ...more, `${this.path(name)}.pub`];
    execFileSync('ssh-keygen', args, { stdio: 'ignore' });
    return this.path(`${name}-cert.pub`);
  }

  /** A line for known_hosts. */
  knownLine(name = 'host_key'): string {
    const [type, key] = readFileSync(this.path(`${name}.pub`), 'utf8').split(' ');
    return `[${this.address}]:${this.port} ${type} ${key}\n`;
  }

  async listen(): Promise<void> {
    const { guest, config = [], mounts = [], hostKeys = [], network = false, authority } = this.#options;
    const pam = guest === 'interactive';
    writeFileSync(
      this.path('sshd_config'),
      [
        ...config.map((line) => line.replaceAll('$FOLDER', this.folder)),
        ...(authority ? [`TrustedUserCAKeys ${this.path('ca.pub')}`] : []),
        `Port ${this.port}`,
        // In a network of its own it may get other addresses later.
        `ListenAddress ${network ? '0.0.0.0' : this.address}`,
        ...['key', ...hostKeys].map((type) => `HostKey ${this.path(`host_${type}`)}`),
        `AuthorizedKeysFile ${this.path('authorized_keys')}`,
        `PidFile ${this.path('pid')}`,
        'StrictModes no',
        'PermitRootLogin yes',
        `UsePAM ${pam ? 'yes' : 'no'}`,
        `PasswordAuthentication ${guest === 'password' ? 'yes' : 'no'}`,
        `KbdInteractiveAuthentication ${pam ? 'yes' : 'no'}`,
        'LogLevel VERBOSE',
        'MaxStartups 100',
        'PrintMotd no',
        '',
      ].join('\n'),
    );
    const run = [SSHD ?? 'sshd', '-D', '-e', '-f', this.path('sshd_config')];
    const isRoot = process.getuid?.() === 0;
    if (isRoot) mkdirSync('/run/sshd', { recursive: true });
    const steps = [
      ...(isRoot ? [PLAIN_SHELL] : []),
      ...(network ? ['ip link set lo up'] : []),
      ...(guest ? this.#guestMounts(pam) : []),
      ...mounts,
    ];
    const inside = ['unshare', '-m', ...(network ? ['-n'] : []), 'sh', '-ec', `${steps.join('\n')}\nexec "$@"`, 'sh', ...run];
    const [program = '', ...args] = isRoot && steps.length > 0 ? inside : run;
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, FOLDER: this.folder } });
    this.#child = child;
    child.stderr?.on('data', (text) => {
      this.#log += text;
    });
    for (let tries = 0; ; tries += 1) {
      if (child.exitCode !== null || tries > 2000) throw new Error(`sshd did not start: ${this.#log}`);
      if (network ? this.#log.includes('Server listening') : await listens(this.address, this.port)) return;
      if (network) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Copies of the user database with one user more, seen by this sshd alone. */
  #guestMounts(pam: boolean): string[] {
    const { name, uid, password, shell } = GUEST;
    const home = this.path('guest');
    mkdirSync(home, { recursive: true });
    execFileSync('chown', [String(uid), home]);
    execFileSync('chmod', ['755', this.folder]);
    const hash = execFileSync('openssl', ['passwd', '-6', password], { encoding: 'utf8' }).trim();
    const copies: [string, string][] = [
      ['passwd', `${name}:x:${uid}:${uid}::${home}:${shell}\n`],
      ['group', `${name}:x:${uid}:\n`],
      ['shadow', `${name}:${hash}:20000:0:99999:7:::\n`],
    ];
    for (const [file, line] of copies) writeFileSync(this.path(file), readFileSync(`/etc/${file}`, 'utf8') + line, { mode: 0o644 });
    const binds = copies.map(([file]) => `mount --bind ${this.path(file)} /etc/${file}`);
    if (!pam) return binds;
    writeFileSync(this.path('pam'), 'auth required pam_unix.so nodelay\naccount required pam_permit.so\nsession required pam_permit.so\n');
    return [...binds, `mount --bind ${this.path('pam')} /etc/pam.d/sshd`];
  }

  /** The server's process. */
  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** For ssh_config, where the server is in a network of its own. */
  get proxyCommand(): string {
    const script = this.path('through.cjs');
    const [port, address] = [this.port, this.address].map((value) => JSON.stringify(value));
    writeFileSync(
      script,
      `const s = require('node:net').connect(${port}, ${address});\ns.on('error', () => process.exit(1));\nprocess.stdin.pipe(s).pipe(process.stdout);\n`,
    );
    return `nsenter -n -t ${this.pid} ${process.execPath} ${script}`;
  }

  get log(): string {
    return this.#log;
  }

  /** The processes that serve connections. */
  sessions(): number[] {
    return descendants(this.#child?.pid ?? -1);
  }

  signalSessions(signal: NodeJS.Signals): void {
    for (const pid of this.sessions()) {
      try {
        process.kill(pid, signal);
      } catch {
        // Gone already.
      }
    }
  }

  /** The server itself, too: frozen, it takes connections and says nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
    this.signalSessions(signal);
  }

  /** Ends the server and all its connections; the files stay, so that `listen()` starts it again. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const sessions = this.sessions();
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    child.kill('SIGCONT');
    for (const pid of sessions) spawnSync('kill', ['-KILL', String(pid)]);
    await exited;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A home folder with ~/.ssh of its own. @returns what connectSsh reads */
export async function sshHome(folder: string, config: string, known = '', env: NodeJS.ProcessEnv = {}): Promise<ConfigFiles> {
  mkdirSync(join(folder, '.ssh'), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, '.ssh', 'config'), config);
  writeFileSync(join(folder, '.ssh', 'known_hosts'), known);
  return readConfigFiles({ home: folder, system: join(folder, 'none'), env, localUser: userInfo().username });
}

function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, address, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : 0));
    });
  });
}

function listens(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    socket.once('error', () => setTimeout(resolve, 10, false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const [, parent] = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
      if (parent !== undefined) parents.set(Number(name), Number(parent));
    } catch {
      // Ended meanwhile.
    }
  }
  const found: number[] = [];
  const add = (of: number) => {
    for (const [child, parent] of parents) {
      if (parent === of) {
        found.push(child);
        add(child);
      }
    }
  };
  add(pid);
  return found;
}
