import { close, fstat, openSync, read } from 'node:fs';
import { promisify } from 'node:util';
import type { ContainerStop } from '../../../contract/gantry.ts';
import { fromNanos } from '../../instant.ts';
import { isPartial, recordTime, TEXT_AT } from './cri.ts';

/** Enough for twenty lines as people write them. */
const TAIL_BYTES = 16 * 1024;
const LONGEST_CHARACTERS = 1000;
const STREAM_LETTER_AT = 39;
const LETTER_E = 'e'.charCodeAt(0);

type Lines = ContainerStop['LastLines'];

/**
 * Opens a log now, so that it can be read when its container is gone.
 * @returns reads its last `count` lines, oldest first; to be called once
 */
export function holdLog(file: string, count: number): () => Promise<Lines> {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    // A container without a log, or one that never ran.
    return async () => [];
  }
  return async () => {
    try {
      const { size } = await promisify(fstat)(fd);
      const length = Math.min(size, TAIL_BYTES);
      const { bytesRead, buffer } = await promisify(read)(fd, Buffer.alloc(length), 0, length, size - length);
      return lastLines(buffer.subarray(0, bytesRead), length < size, count);
    } finally {
      await promisify(close)(fd);
    }
  };
}

/**
 * The last `count` lines of records, those that were cut put together; long ones are cut at 1,000 characters. Pure.
 * @param cut the bytes begin in the middle of a record
 */
export function lastLines(bytes: Buffer, cut: boolean, count: number): Lines {
  const lines: Lines = [];
  const open: Partial<Record<'stdout' | 'stderr', Lines[number]>> = {};
  for (let at = cut ? bytes.indexOf(10) + 1 : 0; at < bytes.length; ) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline;
    const time = recordTime(bytes, at);
    if (time !== undefined && end >= at + TEXT_AT) {
      const Stream = bytes[at + STREAM_LETTER_AT] === LETTER_E ? 'stderr' : 'stdout';
      const text = bytes.toString('utf8', at + TEXT_AT, end);
      const line = open[Stream] ?? { Time: fromNanos(time), Stream, Text: '' };
      line.Text = (line.Text + text).replace(/\r$/, '').slice(0, LONGEST_CHARACTERS);
      if (!open[Stream]) lines.push(line);
      if (isPartial(bytes, at)) open[Stream] = line;
      else delete open[Stream];
    }
    at = end + 1;
  }
  return lines.slice(-count);
}
