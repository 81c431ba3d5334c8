import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { anySignal } from '../../hosts/abort.ts';
import { type ExecOptions, type ExecResult, failure, type SshSession, shellQuoted, shown } from '../../ssh/index.ts';

/** Where an engine is set up: this machine or one over SSH. Commands go through the user's shell. */
export interface Machine {
  /** For messages: `ada@nas`, or this machine's name. */
  readonly name: string;
  /** The user can be asked for root's rights by the desktop. */
  readonly hasPkexec?: boolean;
  shell(command: string, options?: ExecOptions): Promise<ExecResult>;
}

const CONNECT_MS = 30_000;

/** @param session the connection, made again if it was lost */
export function remoteMachine(name: string, session: (signal: AbortSignal) => Promise<SshSession>): Machine {
  return {
    name,
    async shell(command, options) {
      const connecting = anySignal(AbortSignal.timeout(CONNECT_MS), ...(options?.signal ? [options.signal] : []));
      try {
        return await (await session(connecting.signal)).exec(command, options);
      } finally {
        connecting.release();
      }
    },
  };
}

const OUTPUT_LIMIT_BYTES = 256 * 1024;

export function localMachine(name: string): Machine {
  return {
    name,
    hasPkexec:
      Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY) && ['/usr/bin/pkexec', '/bin/pkexec'].some((path) => existsSync(path)),
    shell: (command, { input, signal, timeoutMs, limitBytes = OUTPUT_LIMIT_BYTES } = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn('/bin/sh', ['-c', command], {
          stdio: 'pipe',
          ...(signal && { signal }),
          ...(timeoutMs && { timeout: timeoutMs }),
        });
        const output = { stdout: '', stderr: '' };
        for (const stream of ['stdout', 'stderr'] as const) {
          child[stream].setEncoding('utf8');
          child[stream].on('data', (text: string) => {
            output[stream] += text;
            if (output[stream].length > limitBytes) child.kill('SIGKILL');
          });
        }
        // The command may end before it has read all.
        child.stdin.on('error', () => {});
        child.once('error', reject);
        child.once('close', (code) => resolve({ code, ...output }));
        if (input instanceof Readable) input.on('error', () => child.kill('SIGKILL')).pipe(child.stdin);
        else child.stdin.end(input);
      }),
  };
}

/** How commands get root's rights there. */
export type Rights = 'root' | 'sudo' | 'sudo-password' | 'pkexec' | 'none';

export interface RootOptions {
  rights: Rights;
  user: string;
  /** Asks for the password that sudo wants. */
  askPassword: (again: boolean) => Promise<string>;
}

const TRIES = 3;
const SUDO_MS = 30_000;
/** What sudo says when no password would help. */
const NO_WAY = /not in the sudoers|not allowed|may not run|must have a tty|no new privileges|setuid/i;

/** Runs scripts as root. The password is asked for once, tried, and kept no longer than this object; it goes through stdin only. */
export class Root {
  readonly #machine: Machine;
  readonly #options: RootOptions;
  #password: string | undefined;

  constructor(machine: Machine, options: RootOptions) {
    this.#machine = machine;
    this.#options = options;
  }

  /**
   * Before anything is changed: whether there is a way, and which password.
   *
   * @throws HostFailure sudo-missing, sudo-password, cancelled
   */
  async ready(): Promise<void> {
    const { rights } = this.#options;
    if (rights === 'none') throw this.#missing();
    if (rights === 'sudo-password') this.#password ??= await this.#askPassword();
  }

  /** Only when `ready` is through. */
  async run(script: string, options: Omit<ExecOptions, 'input'> = {}): Promise<ExecResult> {
    switch (this.#options.rights) {
      case 'root':
        return this.#machine.shell('sh', { ...options, input: script });
      case 'sudo':
        return this.#machine.shell(`sudo -n sh -c ${shellQuoted(script)}`, options);
      case 'pkexec':
        return this.#machine.shell(`pkexec sh -c ${shellQuoted(script)}`, options);
      case 'sudo-password':
        if (this.#password !== undefined) return this.#withPassword(this.#password, script, options);
    }
    throw this.#missing();
  }

  /** -k: it always reads the password, so that it never goes to the script instead. */
  #withPassword(password: string, script: string, options: Omit<ExecOptions, 'input'>): Promise<ExecResult> {
    return this.#machine.shell(`sudo -k -S -p '' sh -c ${shellQuoted(script)}`, { ...options, input: `${password}\n` });
  }

  async #askPassword(): Promise<string> {
    let said = '';
    for (let tried = 0; tried < TRIES; tried += 1) {
      // A line end would be a second answer.
      const [password = ''] = (await this.#options.askPassword(tried > 0)).split('\n');
      const { code, stderr } = await this.#withPassword(password, 'true', { timeoutMs: SUDO_MS });
      if (code === 0) return password;
      said = shown(stderr);
      if (NO_WAY.test(stderr)) throw this.#missing(said);
    }
    const values = { machine: this.#machine.name, user: this.#options.user };
    throw failure('sudo-password', `sudo on ${values.machine} did not accept the password`, { final: true, values, detail: said });
  }

  #missing(detail?: string) {
    const { user } = this.#options;
    const values = { machine: this.#machine.name, user };
    const message = `${user} may not become root on ${this.#machine.name}`;
    return failure('sudo-missing', message, { final: true, values, ...(detail !== undefined && { detail }) });
  }
}
