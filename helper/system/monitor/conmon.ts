import { closeSync, constants, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { Failure, messageOf } from '../../engine/failure.ts';
import { findProgram } from '../process/find-program.ts';
import { makePipe, reap, spawnApart } from '../syscall/index.ts';

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

/** @throws Failure system when it can't be started */
export function startConmon(file: string, args: string[], options: { attachPipe: boolean; cwd: string }): ConmonCall {
  const ours: number[] = [];
  const theirs: number[] = [];
  const pipe = (flags = 0): { read: number; write: number } => {
    const ends = makePipe(flags);
    ours.push(ends.read);
    theirs.push(ends.write);
    return ends;
  };
  let ends: { words: number; sync: number; start: number; attach: number | undefined };
  try {
    // Not blocking: who writes more than a pipe holds while nobody reads must not wait for ever.
    const words = pipe(constants.O_NONBLOCK);
    const sync = pipe();
    const { read: startRead, write: start } = makePipe();
    ours.push(start);
    theirs.push(startRead);
    const attach = options.attachPipe ? pipe() : undefined;
    const pid = spawnApart(file, args, {
      cwd: options.cwd,
      env: {
        ...(process.env.PATH === undefined ? {} : { PATH: process.env.PATH }),
        _OCI_SYNCPIPE: String(SYNC_FD),
        _OCI_STARTPIPE: String(START_FD),
        ...(attach ? { _OCI_ATTACHPIPE: String(ATTACH_FD) } : {}),
      },
      descriptors: [null, null, words.write, sync.write, startRead, ...(attach ? [attach.write] : [])],
    });
    reapSoon(pid);
    ends = { words: words.read, sync: sync.read, start, attach: attach?.read };
  } catch (error) {
    for (const fd of ours) closeSync(fd);
    throw new Failure('system', `can't start conmon: ${messageOf(error)}`);
  } finally {
    for (const fd of theirs) closeSync(fd);
  }
  const words = (): string => readWaiting(ends.words) || 'no message';
  const streams = [ends.sync, ends.attach].map((fd) =>
    fd === undefined ? undefined : new Socket({ fd, readable: true, writable: false }),
  );
  const [sync, attach] = streams.map((stream) => (stream ? messages(stream, words) : undefined));
  let closed = false;
  return {
    sync: () => (sync as Messages).next(),
    async attachReady() {
      await attach?.next();
    },
    go() {
      try {
        writeSync(ends.start, '\0');
      } catch {
        // It has ended; the sync pipe tells.
      }
    },
    close() {
      if (closed) return;
      closed = true;
      for (const stream of streams) stream?.destroy();
      closeSync(ends.words);
      closeSync(ends.start);
    },
  };
}

const LONGEST_WORDS = 64 * 1024;

/** What waits in a pipe, without waiting for more. */
function readWaiting(fd: number): string {
  const buffer = Buffer.alloc(LONGEST_WORDS);
  try {
    return buffer.toString('utf8', 0, readSync(fd, buffer)).trim();
  } catch {
    return '';
  }
}

const REAP_MS = 50;

/** conmon's first process forks the one that stays, and ends within a millisecond or two. */
function reapSoon(pid: number): void {
  const again = (delayMs: number): void => {
    setTimeout(() => {
      if (!reap(pid)) again(Math.min(delayMs * 2, 1000));
    }, delayMs).unref();
  };
  again(REAP_MS);
}

interface Messages {
  next(): Promise<SyncMessage>;
}

/** JSON messages, one a line, from a pipe of conmon's. */
function messages(pipe: Readable, words: () => string): Messages {
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
