import { type Duplex, Readable } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { HostFailure } from '../hosts/errors.ts';
import { ChannelStream, type RawChannel } from './channel-stream.ts';
import { failure, shown } from './failures.ts';
import { FlowControl } from './flow.ts';
import { guardWindow } from './ssh2-internals.ts';

export interface ExecResult {
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}
export interface ExecOptions {
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Each of stdout and stderr; more ends the command. */
  limitBytes?: number;
  input?: string | Buffer | Readable;
}

const EXEC_MS = 30_000;
const EXEC_LIMIT_BYTES = 256 * 1024;
/** A machine that is gone is found by keepalives: one that answers these may be busy, such as with its user's first session. */
const OPEN_MS = 30_000;

/** A channel could not be opened: the machine is there, but said no. */
export class ChannelRefused extends Error {
  /** RFC 4254, 5.1: 1 prohibited, 2 connecting failed, 3 unknown type, 4 no resources. */
  readonly reason: number;
  constructor(message: string, reason: number) {
    super(message);
    this.reason = reason;
  }
}

/** One signed-in connection to a machine, with those to the jump hosts before it. */
export class SshSession {
  /** `user@host:port`. */
  readonly machine: string;
  readonly user: string;
  /** The fingerprint of the machine's key. */
  readonly hostKey: string;
  readonly #client: Client;
  readonly #flow: FlowControl;
  readonly #below: Client[];
  readonly #streams = new Set<ChannelStream>();
  readonly #listeners = new Set<(error: Error) => void>();
  #closed: Error | undefined;
  /** Channels with a process of their own, of which servers allow few (sshd: 10). */
  processes = 0;

  /** @param below connections that this one runs through, the outermost first */
  constructor(client: Client, below: Client[], { machine, user, hostKey }: { machine: string; user: string; hostKey: string }) {
    this.#client = client;
    this.#flow = new FlowControl(client);
    this.#below = below;
    this.machine = machine;
    this.user = user;
    this.hostKey = hostKey;
    let last: Error | undefined;
    for (const part of [client, ...below]) {
      part.on('error', (error) => {
        last = error;
      });
      part.on('close', () => this.#close(last));
    }
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** @returns stops listening. Called at once when it is closed already */
  onClose(listener: (error: Error) => void): () => void {
    if (this.#closed) listener(this.#closed);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#client.end();
    // A frozen machine never answers the goodbye.
    for (const part of [this.#client, ...this.#below]) part.destroy();
    this.#close(undefined);
  }

  /** A stream to a Unix socket on the machine. @throws ChannelRefused, without a reason: sshd gives none */
  openSocket(path: string, signal?: AbortSignal): Promise<Duplex> {
    return this.#open((done) => this.#client.openssh_forwardOutStreamLocal(path, done), signal);
  }

  /** A TCP connection from the machine. @throws ChannelRefused */
  openTcp(host: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    return this.#open((done) => this.#client.forwardOut('127.0.0.1', 0, host, port, done), signal);
  }

  /** A command's stdin and stdout. @throws ChannelRefused */
  async openCommand(command: string, signal?: AbortSignal): Promise<Duplex> {
    const stream = await this.#open(
      (done) => this.#client.exec(command, done),
      signal,
      (channel) => channel.stderr.resume(),
    );
    this.#counted(stream);
    return stream;
  }

  /** The user's login shell on a terminal. @throws ChannelRefused, or an Error with what the machine said */
  async openShell(
    { cols, rows }: { cols: number; rows: number },
    signal?: AbortSignal,
  ): Promise<{ stream: Duplex; resize: (size: { cols: number; rows: number }) => void; exitCode: () => number | null }> {
    let raw: ClientChannel | undefined;
    let code: number | null = null;
    // Without a UTF-8 locale, line editing takes Chinese text apart; servers take LANG from their clients as a rule.
    const options = { env: { LANG: process.env.LANG ?? 'C.UTF-8' } };
    const stream = await this.#open(
      (done) => this.#client.shell({ term: 'xterm-256color', cols, rows, width: 0, height: 0 }, options, done),
      signal,
      (channel) => {
        raw = channel;
        channel.stderr.resume();
        channel.on('exit', (status: number | null) => {
          code = status;
        });
      },
    );
    this.#counted(stream);
    return { stream, resize: (size) => raw?.setWindow(size.rows, size.cols, 0, 0), exitCode: () => code };
  }

  /** Whether the machine answers; any answer will do. */
  async answers(timeoutMs: number): Promise<boolean> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      (await this.openSocket('/', timeout)).destroy();
      return true;
    } catch (error) {
      return error instanceof ChannelRefused;
    }
  }

  /** Runs a command in the user's shell. @throws ChannelRefused, HostFailure when it takes too long or says too much */
  async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    const { timeoutMs = EXEC_MS, limitBytes = EXEC_LIMIT_BYTES, input, signal } = options;
    const output: Record<'stdout' | 'stderr', { parts: Buffer[]; length: number }> = {
      stdout: { parts: [], length: 0 },
      stderr: { parts: [], length: 0 },
    };
    let raw: ClientChannel | undefined;
    let code: number | null = null;
    let failed: Error | undefined;
    const begun = performance.now();
    const stream = await this.#open(
      (done) => this.#client.exec(command, done),
      signal,
      (channel) => {
        raw = channel;
        channel.on('exit', (status: number | null) => {
          code = status;
        });
      },
      { ms: timeoutMs, error: () => this.#unfinished() },
    );
    const leftMs = Math.max(1, timeoutMs - (performance.now() - begun));
    this.processes += 1;
    return new Promise<ExecResult>((resolve, reject) => {
      const end = (error: Error) => {
        failed ??= error;
        stream.destroy();
      };
      const timer = setTimeout(() => end(this.#unfinished()), leftMs);
      const abort = () => end(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      signal?.addEventListener('abort', abort, { once: true });
      const take = (name: 'stdout' | 'stderr') => (chunk: Buffer) => {
        const { parts } = output[name];
        output[name].length += chunk.length;
        if (output[name].length > limitBytes) end(failure('protocol', `A command on ${this.machine} wrote more than ${limitBytes} bytes`));
        else parts.push(chunk);
      };
      stream.on('data', take('stdout'));
      raw?.stderr.on('data', take('stderr'));
      stream.on('error', (error) => {
        failed ??= error;
      });
      stream.on('close', () => {
        this.processes -= 1;
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        // A stream that is cut knows less of why than its connection.
        if (failed) return reject(failed instanceof HostFailure ? failed : (this.#closed ?? failed));
        const text = (name: 'stdout' | 'stderr') => Buffer.concat(output[name].parts).toString('utf8');
        resolve({ code, stdout: text('stdout'), stderr: text('stderr') });
      });
      if (input instanceof Readable) {
        // The command may end before it has read all; its exit code says more than the broken stream.
        input.on('error', end);
        stream.once('close', () => input.destroy());
        input.pipe(stream);
      } else stream.end(input);
    });
  }

  #open(
    start: (done: (error: Error | undefined, channel: ClientChannel) => void) => void,
    signal?: AbortSignal,
    prepare?: (channel: ClientChannel) => void,
    limit: { ms: number; error: () => Error } = { ms: OPEN_MS, error: () => this.#silent() },
  ): Promise<ChannelStream> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closed);
      if (signal?.aborted) return reject(signal.reason);
      let settled = false;
      const finish = (act: () => void) => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        stopListening();
        act();
      };
      const timer = setTimeout(() => finish(() => reject(limit.error())), limit.ms);
      const abort = () => finish(() => reject(signal?.reason));
      signal?.addEventListener('abort', abort, { once: true });
      const stopListening = this.onClose((error) => finish(() => reject(error)));
      try {
        start((error, channel) => {
          if (error) {
            // Without a reason it is not the machine's answer, but the connection's end.
            const { reason } = error as { reason?: unknown };
            const refused = typeof reason === 'number' ? new ChannelRefused(shown(error.message), reason) : undefined;
            return finish(() => reject(refused ?? this.#closed ?? error));
          }
          if (settled) return channel.close();
          prepare?.(channel);
          finish(() => resolve(this.#wrap(channel as unknown as RawChannel)));
        });
      } catch (error) {
        finish(() => reject(error));
      }
    });
  }

  #counted(stream: ChannelStream): void {
    this.processes += 1;
    stream.once('close', () => {
      this.processes -= 1;
    });
  }

  #wrap(channel: RawChannel): ChannelStream {
    guardWindow(channel, () => {
      this.#close(failure('protocol', `${this.machine} sends more than it was asked for`));
      this.close();
    });
    const flow = this.#flow.track(channel);
    const stream = new ChannelStream(channel, () => flow.full());
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    return stream;
  }

  #unfinished(): Error {
    return failure('ssh-command-timeout', `A command on ${this.machine} did not end in time`, { values: { machine: this.machine } });
  }

  #silent(): Error {
    return failure('ssh-timeout', `${this.machine} does not answer`, { values: { machine: this.machine } });
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    const lost = failure('ssh-lost', `The connection to ${this.machine} was lost`, {
      values: { machine: this.machine },
      ...(error && { detail: shown(error.message), cause: error }),
    });
    this.#closed = error?.name === 'HostFailure' ? error : lost;
    for (const stream of [...this.#streams]) stream.cut(Object.assign(new Error(lost.message), { code: 'ECONNRESET' }));
    for (const listener of [...this.#listeners]) listener(this.#closed);
    this.#listeners.clear();
    // What runs through each other ends together.
    for (const part of [this.#client, ...this.#below]) part.destroy();
  }
}
