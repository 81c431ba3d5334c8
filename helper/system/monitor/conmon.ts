import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import { Failure, messageOf } from '../../engine/failure.ts';
import { findProgram } from '../process/find-program.ts';

/** conmon's pipes, by the descriptor numbers that we give it. Source: conmon(8), conmon's globals `_OCI_*PIPE`. */
const SYNC_FD = 3;
const START_FD = 4;
const ATTACH_FD = 5;

export function findConmon(): string {
  const file = findProgram('conmon');
  if (!file) throw new Failure('unavailable', 'conmon is not installed: install the package "conmon" (apt install conmon)');
  return file;
}

/** A message on the sync pipe: `data` is a pid, -1 for a failure with `message`, or an exec's exit code. */
export interface SyncMessage {
  data: number;
  message?: string;
}

/** A started conmon and what it says. */
export interface ConmonCall {
  /** The next message of the sync pipe; rejects when conmon ends without one. */
  sync(): Promise<SyncMessage>;
  /** The next message of the attach pipe (exec only): the attach socket is there. */
  attachReady(): Promise<void>;
  /** conmon waits for a byte before it starts the runtime (and, for an exec with attach, once more). */
  go(): void;
  /** conmon's own pid is the grandchild's; the runtime's pid file and /proc tell it. Closes our ends of the pipes. */
  close(): void;
}

export function startConmon(
  file: string,
  args: string[],
  options: { attachPipe: boolean; cwd: string; signal?: AbortSignal | undefined },
): ConmonCall {
  const child: ChildProcess = spawn(file, args, {
    cwd: options.cwd,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', options.attachPipe ? 'pipe' : 'ignore'],
    env: {
      PATH: process.env.PATH,
      _OCI_SYNCPIPE: String(SYNC_FD),
      _OCI_STARTPIPE: String(START_FD),
      ...(options.attachPipe ? { _OCI_ATTACHPIPE: String(ATTACH_FD) } : {}),
    },
    detached: true,
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (stderr.length < 65536) stderr += chunk.toString('utf8');
  });
  const spawned = new Promise<never>((_, reject) =>
    child.on('error', (error) => reject(new Failure('system', `can't start conmon: ${messageOf(error)}`))),
  );
  spawned.catch(() => undefined);
  const words = (): string => stderr.trim() || 'no message';
  const sync = messages(child.stdio[SYNC_FD] as Readable, words);
  const attach = options.attachPipe ? messages((child.stdio as unknown[])[ATTACH_FD] as Readable, words) : undefined;
  const start = child.stdio[START_FD] as Writable;
  start.on('error', () => undefined);
  child.unref();
  return {
    sync: () => Promise.race([sync.next(), spawned]),
    async attachReady() {
      await Promise.race([attach?.next(), spawned]);
    },
    go() {
      start.write('\0');
    },
    close() {
      for (const stream of child.stdio) (stream as Duplex | null)?.destroy();
    },
  };
}

/** JSON messages, one a line, from a pipe of conmon's. */
function messages(pipe: Readable, words: () => string): { next(): Promise<SyncMessage> } {
  const ready: SyncMessage[] = [];
  const waiting: { resolve(message: SyncMessage): void; reject(error: unknown): void }[] = [];
  let text = '';
  let ended = false;
  pipe.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      if (line.trim() === '') continue;
      let message: SyncMessage;
      try {
        message = JSON.parse(line) as SyncMessage;
      } catch {
        message = { data: -1, message: line };
      }
      const waiter = waiting.shift();
      if (waiter) waiter.resolve(message);
      else ready.push(message);
    }
  });
  const end = (): void => {
    ended = true;
    for (const waiter of waiting.splice(0)) waiter.reject(new Failure('system', `conmon ended: ${words()}`));
  };
  pipe.on('end', end).on('close', end).on('error', end);
  return {
    next() {
      const message = ready.shift();
      if (message) return Promise.resolve(message);
      if (ended) return Promise.reject(new Failure('system', `conmon ended: ${words()}`));
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
  };
}
