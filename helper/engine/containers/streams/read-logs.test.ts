import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import type { LogsOptions } from '../types.ts';
import { FrameReader } from './frames.ts';
import { readLogs } from './read-logs.ts';
import { beginLog, keepReplaced, logFiles } from './rotate.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'gantry-logs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ALL: LogsOptions = { stdout: true, stderr: true, follow: false, timestamps: false, details: false };
const T0 = Date.parse('2026-11-24T10:00:00Z');
let files = 0;

function record(second: number, text: string, stream: 'stdout' | 'stderr' = 'stdout', tag: 'F' | 'P' = 'F', offset = '+00:00'): string {
  const shift = offset === '+08:00' ? 8 * 3_600_000 : 0;
  return `${new Date(T0 + second * 1000 + shift).toISOString().slice(0, 19)}.${String(second).padStart(9, '0')}${offset} ${stream} ${tag} ${text}\n`;
}
function logOf(...records: string[]): string {
  files += 1;
  const file = path.join(folder, `${files}.log`);
  writeFileSync(file, records.join(''));
  return file;
}
function open(
  file: string | string[],
  options: Partial<LogsOptions> = {},
  source: { multiplexed?: boolean; ended?: Promise<void>; details?: string } = {},
): Readable {
  return readLogs(
    { files: [file].flat(), multiplexed: source.multiplexed ?? false, details: source.details ?? '', ended: source.ended },
    { ...ALL, ...options },
    new AbortController().signal,
  );
}
async function read(...args: Parameters<typeof open>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of open(...args)) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
const nanos = (second: number): bigint => BigInt(T0 + second * 1000) * 1_000_000n + BigInt(second);

describe('the log of a container', () => {
  it('is what was written, with partial records joined', async () => {
    const file = logOf(record(1, 'one'), record(2, 'tw', 'stdout', 'P'), record(3, 'o'), record(4, 'three', 'stdout', 'P'));
    expect(await read(file)).toBe('one\ntwo\nthree');
  });

  it('is framed by stream unless it is of a TTY', async () => {
    const file = logOf(record(1, 'out'), record(2, 'err', 'stderr'));
    const reader = new FrameReader();
    const frames: string[] = [];
    for await (const part of open(file, {}, { multiplexed: true })) {
      for (const { stream, data } of reader.read(part as Buffer)) frames.push(`${stream}:${data}`);
    }
    expect(frames).toEqual(['1:out\n', '2:err\n']);
    expect(await read(file, { stdout: false })).toBe('err\n');
  });

  it('has times in UTC with nine digits, once for each line', async () => {
    const file = logOf(record(1, 'a', 'stdout', 'P', '+08:00'), record(2, 'b', 'stdout', 'F', '+08:00'));
    expect(await read(file, { timestamps: true })).toBe('2026-11-24T10:00:01.000000001Z ab\n');
  });

  it('gives the last lines, however they are cut into records and files', async () => {
    const records = Array.from({ length: 5000 }, (_, index) => record(index, `line ${index} ${'x'.repeat(index % 300)}`));
    const file = logOf(...records);
    for (const tail of [0, 1, 2, 57, 4999, 5000, 9000]) {
      const lines = (await read(file, { tail })).split('\n').filter(Boolean);
      expect(lines.length).toBe(Math.min(tail, 5000));
      if (tail > 0) expect(lines[0]).toMatch(new RegExp(`^line ${Math.max(5000 - tail, 0)} `));
    }
    const joined = logOf(record(1, 'a'), record(2, 'b', 'stdout', 'P'), record(3, 'c', 'stdout', 'P'), record(4, 'd'));
    expect(await read(joined, { tail: 1 })).toBe('bcd\n');
    expect(await read([logOf(record(1, 'old'), record(2, 'older')), joined], { tail: 3 })).toBe('older\na\nbcd\n');
  });

  it('begins at since and ends at until', async () => {
    const file = logOf(...Array.from({ length: 3000 }, (_, index) => record(index, `line ${index}`)));
    expect((await read(file, { since: nanos(2998) })).split('\n')).toEqual(['line 2998', 'line 2999', '']);
    expect((await read(file, { until: nanos(1) })).split('\n')).toEqual(['line 0', 'line 1', '']);
    expect(await read(file, { since: nanos(5000) })).toBe('');
    expect((await read(file, { since: nanos(10), until: nanos(12) })).split('\n').length).toBe(4);
  });

  it('is followed from a time that has not come yet', async () => {
    const file = logOf(record(1, 'before'));
    let finish: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const body = open(file, { follow: true, since: nanos(3) }, { ended });
    const lines = body.toArray();
    appendFileSync(file, record(2, 'still before'));
    appendFileSync(file, record(3, 'then') + record(4, 'after'));
    finish();
    expect(Buffer.concat(await lines).toString()).toBe('then\nafter\n');
  });

  it('is followed through a rotation, to its end, without loss', async () => {
    const file = logOf(record(1, 'first'));
    let finish: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const body = open(file, { follow: true }, { ended });
    const lines: string[] = [];
    let expected = 1;
    for await (const part of body) {
      lines.push(...(part as Buffer).toString().split('\n').filter(Boolean));
      if (lines.length < expected) continue;
      if (expected === 1) appendFileSync(file, record(2, 'second'));
      if (expected === 2) {
        renameSync(file, `${file}.1`);
        appendFileSync(`${file}.1`, record(3, 'third'));
        writeFileSync(file, record(4, 'fourth'));
      }
      if (expected === 4) {
        appendFileSync(file, record(5, 'last'));
        finish();
      }
      expected = lines.length === 3 ? 4 : lines.length + 1;
    }
    expect(lines).toEqual(['first', 'second', 'third', 'fourth', 'last']);
  });

  /** As the monitor does it: a new file takes the place of the full one. */
  const begin = (file: string, text: string): void => {
    writeFileSync(`${file}.tmp`, text);
    renameSync(`${file}.tmp`, file);
  };

  it('keeps as many files as max-file says', async () => {
    const file = logOf(record(1, 'a'));
    beginLog(file, { maxBytes: 1000, maxFiles: 3 });
    for (const text of ['b', 'c', 'd']) {
      keepReplaced(file, 3);
      begin(file, record(2, text));
    }
    // Between the monitor's step and ours nothing is missing, and nothing is there twice.
    expect(await read(await logFiles(file))).toBe('a\nb\nc\nd\n');
    keepReplaced(file, 3);
    expect(await read(await logFiles(file))).toBe('b\nc\nd\n');
    beginLog(file, { maxBytes: 1, maxFiles: 3 });
    expect(await read(await logFiles(file))).toBe('b\nc\nd\n');
    keepReplaced(file, 3);
    expect(await read(await logFiles(file))).toBe('c\nd\n');
    keepReplaced(file, 1);
    begin(file, record(3, 'e'));
    keepReplaced(file, 1);
    expect(await read([`${file}.keep`, file])).toBe('e\n');
  });

  it('is followed over several rotations at once; where one is lost a line is not joined with another', async () => {
    const file = logOf(record(1, 'a'));
    let finish: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const body = open(file, { follow: true }, { ended });
    const rotate = (at: number, text: string, partial = false): void => {
      keepReplaced(file, 3);
      begin(file, partial ? record(at, text).replace(' F ', ' P ') : record(at, text));
    };
    let text = '';
    for await (const part of body) {
      const before = text;
      text += part;
      if (before === '' && text === 'a\n') {
        rotate(2, 'b');
        rotate(3, 'c');
        rotate(4, 'd', true);
      } else if (text.endsWith('d')) {
        for (const [at, word] of ['e', 'f', 'g', 'h', 'i'].entries()) rotate(5 + at, word);
        finish();
      }
    }
    expect(text).toBe('a\nb\nc\nd\nf\ng\nh\ni\n');
  });
});
