import type { promises as fs } from 'node:fs';
import { isPartial, recordTime, TEXT_AT } from './cri.ts';

type Handle = Awaited<ReturnType<typeof fs.open>>;
const NEWLINE = 10;
const BLOCK_BYTES = 256 * 1024;

/**
 * Where to begin for the last `lines` lines of a log: counted from the end backwards, a block at a time.
 * @returns the offset, and how many lines are still missing when the file has fewer
 */
export async function tailOffset(file: Handle, size: number, lines: number): Promise<{ offset: number; missing: number }> {
  if (lines <= 0 || size === 0) return { offset: size, missing: Math.max(lines, 0) };
  const block = Buffer.allocUnsafe(BLOCK_BYTES + TEXT_AT);
  let found = 0;
  let offset = size;
  /** Takes the record before `offset`; true when it is one line too many. */
  const take = (start: number, partial: boolean): boolean => {
    if (offset === size || !partial) {
      if (found === lines) return true;
      found += 1;
    }
    offset = start;
    return false;
  };
  // The newline at the very end belongs to the last record.
  for (let end = size - 1; end > 0; ) {
    const begin = Math.max(0, end - BLOCK_BYTES);
    await file.read(block, 0, Math.min(end + TEXT_AT, size) - begin, begin);
    for (let at = end - begin; at > 0; ) {
      const newline = block.lastIndexOf(NEWLINE, at - 1);
      if (newline < 0) break;
      if (take(begin + newline + 1, isPartial(block, newline + 1))) return { offset, missing: 0 };
      at = newline;
    }
    end = begin;
  }
  if (take(0, isPartial(block, 0))) return { offset, missing: 0 };
  return { offset: 0, missing: lines - found };
}

/**
 * Binary search for the first record at or after `time`: O(log n) blocks are read.
 * @returns the record's offset; the file's size when all are earlier
 */
export async function timeOffset(file: Handle, size: number, time: bigint): Promise<number> {
  const block = Buffer.allocUnsafe(64 * 1024);
  /** The first record that starts at or after `at`. */
  const recordAt = async (at: number): Promise<{ start: number; time: bigint } | undefined> => {
    let from = at;
    let skipping = at > 0;
    while (from < size) {
      const { bytesRead } = await file.read(block, 0, block.length, skipping ? from - 1 : from);
      if (bytesRead === 0) return undefined;
      const base = skipping ? from - 1 : from;
      const newline = skipping ? block.subarray(0, bytesRead).indexOf(NEWLINE) : -1;
      if (skipping && newline < 0) {
        from = base + bytesRead + 1;
        continue;
      }
      const start = base + newline + 1;
      const within = newline + 1;
      if (within + TEXT_AT > bytesRead) {
        if (start + TEXT_AT > size) return undefined;
        from = start;
        skipping = false;
        continue;
      }
      const found = recordTime(block, within);
      return found === undefined ? undefined : { start, time: found };
    }
    return undefined;
  };
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const record = await recordAt(middle);
    if (!record || record.time >= time) high = middle;
    else low = Math.max(record.start + 1, middle + 1);
  }
  const record = await recordAt(low);
  return record ? record.start : size;
}
