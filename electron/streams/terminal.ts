import { type EngineClient, Stdcopy } from '../engine-client/index.ts';
import type { OpenHostShell, OpenTerminal, TerminalInfo } from '../ipc/contract.ts';
import { ByteQueue } from './byte-queue.ts';
import { LineDiscipline } from './line-discipline.ts';
import { checkUp, type StreamPort } from './port.ts';
import { Replay } from './replay.ts';
import { type Ended, type Session, type Size, startAttach, startExec } from './session.ts';
import { isNoProgram, OTHER_SHELLS, SHELL_COMMAND, SHELL_ENV } from './shell.ts';

/** Output waiting for the slowest view: beyond the upper mark the process waits, below the lower it goes on. */
const HIGH_BYTES = 256 * 1024;
const LOW_BYTES = 128 * 1024;
/** Typed ahead of a process that reads nothing. */
const INPUT_LIMIT_BYTES = 16 * 1024 * 1024;
/** Typed before there is a process. */
const AHEAD_LIMIT_BYTES = 64 * 1024;
/** A shell that "ends" within this time and without input with 126 or 127 was never there. */
const NO_SHELL_MS = 5_000;

export type TerminalRequest = OpenTerminal | ({ mode: 'host' } & OpenHostShell);
/** What a terminal's processes are started through. */
export interface TerminalReach {
  client: () => EngineClient;
  shell: (size: Size) => Promise<Session>;
}

interface View {
  port: StreamPort;
  queue: ByteQueue;
}

/** A terminal: one process after the other (reopen), any number of views, its recent output kept for the next view. */
export class Terminal {
  readonly #request: TerminalRequest;
  readonly #reach: TerminalReach;
  readonly #onChange: () => void;
  readonly #replay = new Replay();
  readonly #views = new Set<View>();
  #info: TerminalInfo;
  #session: Session | undefined;
  #input: ((data: Buffer) => void) | undefined;
  /** What was typed while the process was being started; of several shells that are tried, the first that is there gets it. */
  #ahead = Buffer.alloc(0);
  #size: Size;
  #resizing = false;
  #typed = false;
  #closed = false;

  constructor(id: string, request: TerminalRequest, reach: TerminalReach, onChange: () => void) {
    const { hostId, mode, cols, rows } = request;
    this.#request = request;
    this.#reach = reach;
    this.#onChange = onChange;
    this.#size = { cols, rows };
    const { containerId, containerName } = request.mode === 'host' ? { containerId: '', containerName: '' } : request;
    const title = request.mode === 'exec' ? (request.command?.[0]?.split('/').at(-1) ?? 'sh') : containerName;
    this.#info = { id, hostId, containerId, containerName, mode, title, state: { status: 'starting' } };
  }

  get info(): TerminalInfo {
    return this.#info;
  }

  /** Runs a process until it ends. Never rejects: what went wrong is the state. */
  async run(): Promise<void> {
    this.#ahead = Buffer.alloc(0);
    this.#become({ status: 'starting' });
    try {
      const ended = await this.#runOnce();
      this.#become({ status: 'ended', ...ended });
    } catch (error) {
      this.#become({ status: 'ended', exitCode: null, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  view(port: StreamPort): void {
    const view: View = { port, queue: new ByteQueue((data) => port.post({ t: 'data', data })) };
    this.#views.add(view);
    port.listen(
      (message) => this.#receive(view, message),
      () => this.#drop(view),
    );
    port.post({ t: 'state', state: this.#info.state });
    view.queue.push(this.#replay.bytes());
  }

  close(): void {
    this.#closed = true;
    for (const { port } of [...this.#views]) port.close();
    this.#views.clear();
    const session = this.#session;
    if (!session) return;
    session.stream.resume();
    session.hangUp();
    setTimeout(() => session.stream.destroy(), 300);
  }

  async #runOnce(): Promise<Ended> {
    if (this.#request.mode === 'host') return this.#use(await this.#reach.shell(this.#size));
    const client = this.#reach.client();
    const { mode, containerId, command } = this.#request;
    if (mode === 'attach') return this.#use(await startAttach(client, containerId, this.#size));
    if (command) return this.#use(await startExec(client, containerId, command, SHELL_ENV, this.#size));
    let ended: Ended = { exitCode: null };
    for (const shell of [SHELL_COMMAND, ...OTHER_SHELLS]) {
      const began = Date.now();
      this.#typed = false;
      try {
        ended = await this.#use(await startExec(client, containerId, shell, SHELL_ENV, this.#size));
      } catch (error) {
        // Some engines refuse the start itself.
        if (!/not found|no such file|executable/i.test(String(error))) throw error;
        ended = { exitCode: 127 };
      }
      if (!isNoProgram(ended.exitCode) || this.#typed || Date.now() - began > NO_SHELL_MS) return ended;
      // The engine wrote its error message onto the screen; the next try begins on an empty one.
      this.#replay.clear();
      this.#output(Buffer.from('\x1bc'));
    }
    return { ...ended, reason: 'no-shell' };
  }

  /** Pumps a session's streams until they end. */
  async #use(session: Session): Promise<Ended> {
    if (this.#closed) {
      session.hangUp();
      session.stream.destroy();
      return { exitCode: null };
    }
    this.#session = session;
    const size = this.#size;
    const demux = session.tty ? undefined : new Stdcopy();
    const lines = session.tty ? undefined : new LineDiscipline();
    session.stream.on('data', (chunk: Buffer) => {
      if (!demux || !lines) return this.#output(chunk);
      try {
        for (const { data } of demux.push(chunk)) this.#output(lines.output(data));
      } catch (error) {
        session.stream.destroy(error as Error);
      }
    });
    const over = new Promise<void>((resolve) => {
      session.stream.on('end', resolve);
      session.stream.on('error', () => resolve());
      session.stream.on('close', resolve);
    });
    this.#input = (data) => {
      if (session.stream.writableLength > INPUT_LIMIT_BYTES || !session.stream.writable) return;
      if (!lines) return void session.stream.write(data);
      const { echo, send, end } = lines.input(data);
      this.#output(echo);
      if (send.length > 0) session.stream.write(send);
      if (end) session.stream.end();
    };
    if (this.#ahead.length > 0) this.#input(this.#ahead);
    this.#become({ status: 'open' });
    // Also when nothing changed: dockerd before API 1.42 does not know ConsoleSize. An attach has just been given its size.
    if (this.#request.mode === 'exec' || this.#size !== size) this.#resize();
    await over;
    this.#session = undefined;
    this.#input = undefined;
    const ended = await session.ended();
    session.stream.destroy();
    return ended;
  }

  #receive(view: View, message: unknown): void {
    const up = checkUp(message);
    if (up?.t === 'credit') {
      view.queue.credit(up.bytes);
      this.#flow();
    } else if (up?.t === 'data') {
      this.#type(Buffer.from(up.data.buffer, up.data.byteOffset, up.data.byteLength));
    } else if (up?.t === 'resize') {
      if (up.cols === this.#size.cols && up.rows === this.#size.rows) return;
      this.#size = { cols: up.cols, rows: up.rows };
      this.#resize();
    } else if (up?.t === 'close') {
      this.#drop(view);
      view.port.close();
    }
  }

  #type(data: Buffer): void {
    if (this.#input) {
      this.#typed = true;
      this.#input(data);
    } else if (this.#info.state.status !== 'ended' && this.#ahead.length + data.length <= AHEAD_LIMIT_BYTES) {
      this.#ahead = Buffer.concat([this.#ahead, data]);
    }
  }

  #output(chunk: Buffer): void {
    this.#replay.push(chunk);
    for (const { queue } of this.#views) queue.push(chunk);
    this.#flow();
  }

  /** The slowest view sets the pace; without views the process runs on and only the replay is kept. */
  #flow(): void {
    const stream = this.#session?.stream;
    if (!stream) return;
    const waiting = Math.max(0, ...[...this.#views].map(({ queue }) => queue.length));
    if (waiting > HIGH_BYTES) stream.pause();
    else if (waiting < LOW_BYTES && stream.isPaused()) stream.resume();
  }

  #drop(view: View): void {
    this.#views.delete(view);
    this.#flow();
  }

  /** One resize at a time: while one is on its way only the newest size is kept. */
  #resize(): void {
    const session = this.#session;
    if (!session?.tty || this.#resizing) return;
    this.#resizing = true;
    const size = this.#size;
    void session.resize(size).then(() => {
      this.#resizing = false;
      if (this.#size !== size || this.#session !== session) this.#resize();
    });
  }

  #become(state: TerminalInfo['state']): void {
    this.#info = { ...this.#info, state };
    for (const { port } of this.#views) port.post({ t: 'state', state });
    if (!this.#closed) this.#onChange();
  }
}
