import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StatisticsSample } from '../../contract/gantry.ts';
import type { Usage } from '../containers/types.ts';
import { sampleOf } from './rates.ts';
import { decode, encode, header, isRing, thin } from './ring.ts';

const sample = (Time: number, more: Partial<StatisticsSample> = {}): StatisticsSample => ({
  ...{ Time, Cpu: 0.5, Memory: 1000, Processes: 2, NetworkIn: 1, NetworkOut: 2, DiskRead: 3, DiskWrite: 4 },
  ...more,
});

/** As the recorder writes. */
function write(file: Buffer, samples: StatisticsSample[], interval: number): Buffer {
  const bytes = Buffer.alloc(16 + 40 * Math.ceil(86_400 / interval));
  file.copy(bytes);
  let end = file.length;
  for (const one of samples) {
    const { offset, bytes: record } = encode(one, interval);
    record.copy(bytes, offset);
    end = Math.max(end, offset + record.length);
  }
  return bytes.subarray(0, end);
}

describe('the ring of samples', () => {
  it('gives back a day of samples in their order, whatever came before, and never grows beyond its size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1_700_000_000, max: 1_800_000_000 }), (interval, start) => {
        const count = 2 * Math.ceil(86_400 / interval);
        const all = Array.from({ length: Math.min(count, 4000) }, (_, index) => sample(start + index * interval));
        const file = write(header(interval), all, interval);
        const last = all.at(-1)?.Time ?? 0;
        const { samples } = decode(file, last - 86_400 + interval, last);
        const expected = all.filter(({ Time }) => Time > last - 86_400 + interval);
        expect(samples.map(({ Time }) => Time)).toEqual(expected.map(({ Time }) => Time));
        expect(file.length).toBeLessThanOrEqual(16 + 40 * 86_400);
      }),
      { numRuns: 20 },
    );
  });

  it('keeps each figure', () => {
    const one = sample(1_700_000_010, { Memory: 2 ** 40 + 1, Cpu: 1.25, Processes: 70_000, DiskWrite: 0.5 });
    expect(decode(write(header(30), [one], 30), 0, 2e9).samples).toEqual([one]);
  });

  it('takes damaged files, those of another interval and empty ones for no samples', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void decode(Buffer.from(bytes), 0, 2e9)));
    expect(decode(Buffer.alloc(0), 0, 2e9).samples).toEqual([]);
    expect(isRing(header(30), 10)).toBe(false);
    // A record whose time belongs elsewhere: torn, or left from yesterday.
    const torn = write(header(30), [sample(1_700_000_010)], 30);
    torn.writeUInt32LE(1_700_000_310, torn.length - 40);
    expect(decode(torn, 0, 2e9).samples).toEqual([]);
  });

  it('is thinned by averages of what is next to each other, gaps stay gaps', () => {
    const all = [0, 30, 60, 90, 3000, 3030].map((at, index) => sample(1_700_000_010 + at, { Cpu: index, Memory: 100 * index }));
    const { samples, intervalSeconds } = thin(all, 30, 5);
    expect(intervalSeconds).toBe(630);
    expect(samples.map(({ Time, Cpu }) => [Time - 1_700_000_010, Cpu])).toEqual([
      [90, 1.5],
      [3030, 4.5],
    ]);
    expect(thin(all, 30, 6).samples).toEqual(all);
  });
});

describe('figures of an interval', () => {
  const usage = (more: Partial<Usage>): Usage => ({
    ...{ id: 'a', folder: '', startedAt: '2026-01-01T00:00:00.5Z', cpuNanos: 0, memoryBytes: 7, processes: 1 },
    ...{ rxBytes: 0, txBytes: 0, readBytes: 0, writtenBytes: 0 },
    ...more,
  });
  const start = Date.parse('2026-01-01T00:00:00.5Z') / 1000;

  it('are differences to the reading before, or to the start of the run', () => {
    const first = { usage: usage({ cpuNanos: 4e9, rxBytes: 100 }), at: start + 2 };
    expect(sampleOf(first, undefined)).toMatchObject({ Cpu: 2, NetworkIn: 50, Memory: 7, Processes: 1 });
    const second = { usage: usage({ cpuNanos: 9e9, rxBytes: 50 }), at: start + 12 };
    expect(sampleOf(second, first)).toMatchObject({ Cpu: 0.5, NetworkIn: 0 });
  });
  it('of another run begin anew', () => {
    const before = { usage: usage({ cpuNanos: 100e9 }), at: start };
    const now = { usage: usage({ startedAt: '2026-01-01T00:00:10.5Z', cpuNanos: 1e9 }), at: start + 12 };
    expect(sampleOf(now, before)).toMatchObject({ Cpu: 0.5 });
    expect(sampleOf({ ...now, at: start + 10 }, undefined)).toBeUndefined();
  });
});
