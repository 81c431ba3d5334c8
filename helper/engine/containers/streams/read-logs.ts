import { type FSWatcher, promises as fs, watch } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { LogsOptions } from '../types.ts';
import { Renderer, recordTime, TEXT_AT } from './cri.ts';
import { tailOffset, timeOffset } from './log-position.ts';
import { logFiles } from './rotate.ts';

type Handle = Awaited<ReturnType<typeof fs.open>>;
const CHUNK_BYTES = 1024 * 1024;
/** A record is at most conmon's buffer (8 KiB) and its header; anything longer is not a log. */
const LONGEST_RECORD = 64 * 1024;
const NEWLINE = 10;

export interface LogSource {
  /** Log files, oldest first; the last is the one being written. */
  files: string[];
  multiplexed: boolean;
  /** With `details`: what goes before each line. */
  details: string;
  /** Resolves when nothing more will be written; undefined: nothing is being written. */
  ended: Promise<void> | undefined;
}

/**
 * A container's log as the bytes that go to a client. One pass over the files in chunks of 1 MiB; with `tail` and `since`
 * only what is asked for is read. A client that does not read holds two chunks.
 * Source: Docker API GET /containers/{id}/logs
 */
export function readLogs(source: LogSource, options: LogsOptions, signal: AbortSignal): Readable {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) stop.abort();
  const body = Readable.from(chunks(source, options, stop.signal), { objectMode: false, highWaterMark: CHUNK_BYTES });
  body.once('close', () => {
    signal.removeEventListener('abort', abort);
    stop.abort();
  });
  return body;
}

async function* chunks(source: LogSource, options: LogsOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  const renderer = new Renderer({ ...options, multiplexed: source.multiplexed, details: options.details ? source.details : '' });
  const opened = await openAt(source.files, options);
  const current = source.files.at(-1);
  const cursor: Cursor = { reader: undefined };
  try {
    for (const [index, { handle, offset }] of opened.entries()) {
      const last = index === opened.length - 1;
      const reader = new RecordReader(handle, offset, options);
      cursor.reader = reader;
      for await (const { chunk, start, end } of reader.available()) {
        if (signal.aborted) return;
        if (end > start) yield renderer.render(chunk, start, end);
      }
      if (reader.pastUntil) return;
      if (!last) await handle.close();
    }
    if (!options.follow || !source.ended || !current) return;
    const changes = new FileChanges(current, source.ended, options.until, signal);
    try {
      // Written between the read above and the start of the watch: the first round reads without waiting.
      for (let done = false; !done; done = (await changes.next()) === 'ended') {
        yield* readOn(cursor, current, options, renderer, signal);
        if (signal.aborted || cursor.reader?.pastUntil) return;
      }
      yield* readOn(cursor, current, options, renderer, signal);
    } finally {
      changes.close();
    }
  } finally {
    await cursor.reader?.close();
    for (const { handle } of opened) await handle.close().catch(() => undefined);
  }
}

/** The file being read; changed in place, so that whoever closes it has the right one however the reading ends. */
interface Cursor {
  reader: RecordReader | undefined;
}

/** Reads to the end of the open file, then goes on in a new one of the same name if it was rotated away. */
async function* readOn(cursor: Cursor, file: string, span: Span, renderer: Renderer, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (;;) {
    // Asked before reading: once the next file is there nothing more comes to this one, so what is read then is all of it.
    const { next, lost } = await successor(cursor.reader, file);
    try {
      if (cursor.reader) {
        for await (const { chunk, start, end } of cursor.reader.available()) {
          if (signal.aborted) return;
          if (end > start) yield renderer.render(chunk, start, end);
        }
        if (cursor.reader.pastUntil || !next) return;
      }
      if (!next) return;
      await cursor.reader?.close();
      // A line whose rest is lost ends here: it is not the next file's first.
      if (lost) yield renderer.breakLines();
      cursor.reader = new RecordReader(next, 0, span);
    } finally {
      if (next && !cursor.reader?.reads(next)) await next.close();
    }
  }
}

/**
 * The file that comes after the one being read, opened: a busy log may have gone on by more than one.
 * `lost`: the one being read has been let go of, and so may have been others after it.
 */
async function successor(reader: RecordReader | undefined, file: string): Promise<{ next?: Handle; lost: boolean }> {
  if (reader && !(await reader.replacedBy(file))) return { lost: false };
  const opened: { handle: Handle; ino: bigint }[] = [];
  let found = false;
  try {
    // From the newest on: a file that is renamed meanwhile is met twice, never missed.
    for (const name of (await logFiles(file)).reverse()) {
      const handle = await fs.open(name, 'r').catch(() => undefined);
      if (!handle) continue;
      const { ino } = await handle.stat({ bigint: true });
      found = (await reader?.isOf(ino)) ?? false;
      if (found || opened.some((other) => other.ino === ino)) await handle.close();
      else opened.push({ handle, ino });
      if (found) break;
    }
    const next = reader ? opened.pop()?.handle : opened.shift()?.handle;
    return { ...(next ? { next } : {}), lost: reader !== undefined && !found };
  } finally {
    for (const { handle } of opened) await handle.close();
  }
}

/** Opens the files at the place that `tail` and `since` ask for; older files that are not needed stay closed. */
async function openAt(files: string[], options: LogsOptions): Promise<{ handle: Handle; offset: number; ino: bigint }[]> {
  const opened: { handle: Handle; offset: number; ino: bigint }[] = [];
  let missing = options.tail;
  for (const file of [...files].reverse()) {
    const handle = await fs.open(file, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!handle) continue;
    const stat = await handle.stat({ bigint: true });
    const size = Number(stat.size);
    // One that was renamed meanwhile, or is there by two names.
    if (opened.some(({ ino }) => ino === stat.ino)) {
      await handle.close();
      continue;
    }
    let offset = 0;
    if (missing !== undefined) ({ offset, missing } = await tailOffset(handle, size, missing));
    let complete = missing === 0;
    if (options.since !== undefined) {
      const since = await timeOffset(handle, size, options.since);
      offset = Math.max(offset, since);
      complete ||= since > 0;
    }
    opened.unshift({ handle, offset, ino: stat.ino });
    if (complete) break;
  }
  return opened;
}

type Span = Pick<LogsOptions, 'since' | 'until'>;

/** Where the first record with such a time starts; `end` if there is none before it. */
function firstRecord(chunk: Buffer, end: number, wanted: (time: bigint) => boolean): number {
  for (let at = 0; at < end; ) {
    const time = recordTime(chunk, at);
    if (time !== undefined && wanted(time)) return at;
    const next = chunk.indexOf(NEWLINE, at + Math.min(TEXT_AT, end - at - 1));
    at = next < 0 ? end : next + 1;
  }
  return end;
}

/** Whole records from a growing file, a chunk at a time. */
class RecordReader {
  #handle: Handle;
  #offset: number;
  /** Gone once a record of that time was seen: all later ones are later. */
  #since: bigint | undefined;
  #until: bigint | undefined;
  pastUntil = false;

  constructor(handle: Handle, offset: number, { since, until }: Span) {
    this.#handle = handle;
    this.#offset = offset;
    this.#since = since;
    this.#until = until;
  }

  /** What is there now. The chunk is reused: it must be consumed before the next is asked for. */
  async *available(): AsyncGenerator<{ chunk: Buffer; start: number; end: number }> {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, this.#offset);
      if (bytesRead === 0) return;
      const newline = chunk.lastIndexOf(NEWLINE, bytesRead - 1);
      if (newline < 0 && bytesRead < LONGEST_RECORD) return;
      // Not a record of ours: passed over, so that a damaged log is still followed.
      let end = newline < 0 ? bytesRead : newline + 1;
      this.#offset += end;
      if (this.#until !== undefined) end = this.#cutAtUntil(chunk, end, this.#until);
      // A follower may be told of a time that has not come yet.
      const start = this.#since === undefined ? 0 : this.#skipToSince(chunk, end, this.#since);
      yield { chunk, start, end };
      if (this.pastUntil || bytesRead < chunk.length) return;
    }
  }

  #cutAtUntil(chunk: Buffer, end: number, until: bigint): number {
    const at = firstRecord(chunk, end, (time) => time > until);
    if (at < end) this.pastUntil = true;
    return at;
  }

  #skipToSince(chunk: Buffer, end: number, since: bigint): number {
    const at = firstRecord(chunk, end, (time) => time >= since);
    if (at < end) this.#since = undefined;
    return at;
  }

  reads(handle: Handle): boolean {
    return this.#handle === handle;
  }

  async isOf(ino: bigint): Promise<boolean> {
    return (await this.#handle.stat({ bigint: true })).ino === ino;
  }

  async replacedBy(file: string): Promise<boolean> {
    const [mine, theirs] = await Promise.all([this.#handle.stat(), fs.stat(file).catch(() => undefined)]);
    return theirs !== undefined && (theirs.ino !== mine.ino || theirs.dev !== mine.dev);
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
  }
}

/** Wakes a follower: inotify on the log, the end of the container, the `until` time, the client going away. */
class FileChanges {
  #watcher: FSWatcher | undefined;
  #pending = false;
  #ended = false;
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #file: string;

  constructor(file: string, ended: Promise<void>, until: bigint | undefined, signal: AbortSignal) {
    this.#file = file;
    this.#watch();
    const end = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    void ended.then(end, end);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    if (until !== undefined) this.#timer = setTimeout(end, Math.min(Math.max(Number(until / 1_000_000n) - Date.now(), 0), 2 ** 31 - 1));
  }

  /** The folder and not the file: a rotated log is another file, and how long it takes until that is there is not ours to say. */
  #watch(): void {
    try {
      const name = path.basename(this.#file);
      this.#watcher = watch(path.dirname(this.#file), (_, changed) => {
        if (changed !== null && changed !== name) return;
        this.#pending = true;
        this.#wake?.();
      });
      this.#watcher.on('error', () => undefined);
    } catch {
      // The log is gone with its container: `ended` tells.
    }
  }

  async next(): Promise<'changed' | 'ended'> {
    if (!this.#pending && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    this.#pending = false;
    return this.#ended ? 'ended' : 'changed';
  }

  close(): void {
    this.#ended = true;
    this.#watcher?.close();
    clearTimeout(this.#timer);
  }
}
