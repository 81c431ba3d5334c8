import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { pause } from '../../hosts/abort.ts';
import { HostFailure } from '../../hosts/errors.ts';
import { missingPackages } from './packages.ts';
import { type Launcher, launcherFor } from './privilege.ts';
import { lastLines } from './tail.ts';

export interface LocalHelperOptions {
  socket: string;
  data: string;
  run: string;
  /** The helper's bundle, gantryd.js. */
  script: string;
  /** What runs it: a Node, or Electron with ELECTRON_RUN_AS_NODE. */
  node: { command: string; env: Record<string, string> };
  /** Takes the helper's output; its last lines explain a failure. */
  logPath: string;
  /** Only use a helper that runs already (its socket was given by hand). */
  attachOnly: boolean;
  log: (text: string) => void;
}

const START_MS = 20_000;
const STOP_MS = 5_000;
const LOG_LIMIT_BYTES = 5 * 1024 * 1024;

/** Our own engine on this machine: attached to when it runs, else started; a helper that we started is stopped with the app. */
export class LocalHelper {
  readonly #options: LocalHelperOptions;
  #child: { process: ChildProcess; launcher: Launcher; exited: Promise<string>; ended: boolean } | undefined;
  #startedBefore = false;
  #suspended = false;

  constructor(options: LocalHelperOptions) {
    this.#options = options;
  }

  get socketPath(): string {
    return this.#options.socket;
  }

  /**
   * Makes sure that a helper answers on the socket.
   *
   * @param asked the user wants it now: a question for the administrator's password is all right
   * @throws HostFailure that says what is missing or what the helper said before it ended
   */
  readonly prepare = async (signal: AbortSignal, asked: boolean): Promise<void> => {
    const { socket, attachOnly } = this.#options;
    const first = await answers(socket);
    if (this.#suspended && first !== true) throw new HostFailure({ code: 'closed', message: 'The engine is being set up' });
    // EACCES: something is there that we may not use; starting another helper would not help.
    if (first === true || attachOnly || first === 'EACCES') return;
    if (!this.#child || this.#child.ended) await this.#spawn(asked);
    await this.#ready(signal);
  };

  /** Stops it, and starts none until `resume()`: a service is about to take its place. */
  async suspend(): Promise<void> {
    this.#suspended = true;
    await this.stop();
  }

  resume(): void {
    this.#suspended = false;
  }

  /** Stops a helper that we started. Containers run on. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.ended || child.process.pid === undefined) return;
    if (child.launcher.asks) return; // Stopping it would ask for the password again: it stays, and is attached to next time.
    child.launcher.terminate(child.process.pid);
    await Promise.race([child.exited, pause(STOP_MS, new AbortController().signal)]);
  }

  async #spawn(asked: boolean): Promise<void> {
    const { socket, data, run, script, node, logPath, log } = this.#options;
    if (process.platform !== 'linux') {
      throw new HostFailure(
        { code: 'helper-failed', message: 'Gantry’s engine runs on Linux only. Add a host that has an engine' },
        { final: true },
      );
    }
    if (!existsSync(script)) {
      throw new HostFailure({ code: 'helper-failed', message: `Gantry’s engine is not there: ${script}` }, { final: true });
    }
    const missing = missingPackages(process.env);
    if (missing.length > 0) {
      throw new HostFailure(
        {
          code: 'helper-missing-packages',
          message: `Gantry’s engine needs ${missing.join(', ')}, which this machine does not have`,
          detail: `sudo apt-get install ${missing.join(' ')}`,
        },
        { final: true },
      );
    }
    const launcher = await launcherFor({ mayAsk: asked || !this.#startedBefore });
    this.#startedBefore = true;
    const owner = launcher.otherUser ? ['--socket-user', String(process.getuid?.())] : [];
    const args = [script, '--socket', socket, '--data', data, '--run', run, ...owner];
    const { command, args: allArgs, env } = launcher.wrap(node.command, args, node.env);
    rotate(logPath);
    const output = openSync(logPath, 'a', 0o600);
    try {
      // Its own session: Ctrl-C in the terminal that started the app must not reach it.
      const child = spawn(command, allArgs, { detached: true, stdio: ['ignore', output, output], env });
      const state = { process: child, launcher, ended: false, exited: Promise.resolve('') };
      state.exited = new Promise((resolve) => {
        const ended = (how: string) => {
          state.ended = true;
          log(`The helper ended: ${how}`);
          resolve(how);
        };
        child.once('error', (error) => ended(error.message));
        child.once('exit', (code, by) => ended(by ? `signal ${by}` : `code ${code}`));
      });
      child.unref();
      this.#child = state;
      log(`Started the helper (pid ${child.pid}): ${command} ${allArgs.join(' ')}`);
    } finally {
      closeSync(output);
    }
  }

  /** Waits until the socket answers. There is nothing to listen to before it does, so it is tried in short steps. */
  async #ready(signal: AbortSignal): Promise<void> {
    const { socket, logPath } = this.#options;
    const child = this.#child;
    const until = Date.now() + START_MS;
    for (let stepMs = 10; ; stepMs = Math.min(100, stepMs * 1.5)) {
      signal.throwIfAborted();
      if ((await answers(socket)) === true) return;
      if (child?.ended) {
        const how = await child.exited;
        const { refused } = child.launcher;
        if (refused.includes(how)) {
          throw new HostFailure(
            { code: 'needs-root', message: 'Gantry’s engine was not started: the permission was not given', detail: how },
            { final: true },
          );
        }
        const detail = await lastLines(logPath, 20);
        throw new HostFailure({ code: 'helper-failed', message: `Gantry’s engine ended at its start (${how})`, detail });
      }
      if (Date.now() > until && !child?.launcher.asks) {
        throw new HostFailure({ code: 'timeout', message: 'Gantry’s engine did not become ready', detail: await lastLines(logPath, 20) });
      }
      await pause(stepMs, signal);
    }
  }
}

function answers(path: string): Promise<true | string> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
  });
}

function rotate(path: string): void {
  try {
    if (statSync(path).size > LOG_LIMIT_BYTES) renameSync(path, `${path}.old`);
  } catch {
    // No log yet.
  }
}
