import type { StatisticsSample } from '../../contract/gantry.ts';

/**
 * A day of samples in a file that never grows beyond 40 bytes for each (115 kB for one in 30 s): a header, then one slot for each
 * interval of the day. A sample's slot follows from its time, so there is no pointer that a crash could lose, and a time that
 * does not fit its slot is not a sample.
 */
export const HOURS = 24;
const HEADER_BYTES = 16;
const RECORD_BYTES = 40;
const MAGIC = 'GNTRSTAT';
const VERSION = 1;

const slots = (interval: number): number => Math.ceil((HOURS * 3600) / interval);

export function header(interval: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt16LE(VERSION, 8);
  bytes.writeUInt16LE(interval, 10);
  bytes.writeUInt32LE(slots(interval), 12);
  return bytes;
}

/** Whether a file can be written on: one of another version or interval is begun anew. */
export function isRing(bytes: Buffer, interval: number): boolean {
  return bytes.length >= HEADER_BYTES && bytes.subarray(0, HEADER_BYTES).equals(header(interval));
}

export function encode(sample: StatisticsSample, interval: number): { offset: number; bytes: Buffer } {
  const bytes = Buffer.alloc(RECORD_BYTES);
  bytes.writeUInt32LE(sample.Time, 0);
  bytes.writeUInt32LE(sample.Processes, 4);
  bytes.writeDoubleLE(sample.Memory, 8);
  const rates = [sample.Cpu, sample.NetworkIn, sample.NetworkOut, sample.DiskRead, sample.DiskWrite];
  for (const [index, rate] of rates.entries()) bytes.writeFloatLE(rate, 16 + 4 * index);
  return { offset: HEADER_BYTES + slotOf(sample.Time, interval) * RECORD_BYTES, bytes };
}

function slotOf(time: number, interval: number): number {
  return Math.floor(time / interval) % slots(interval);
}

/** The samples of `file` within (since, until], oldest first; seconds since the epoch. What is not a sample is left out. */
export function decode(file: Buffer, since: number, until: number): { samples: StatisticsSample[]; interval: number } {
  const interval = file.length >= HEADER_BYTES ? file.readUInt16LE(10) : 0;
  if (interval === 0 || !isRing(file, interval)) return { samples: [], interval };
  const samples: StatisticsSample[] = [];
  for (let slot = 0, at = HEADER_BYTES; at + RECORD_BYTES <= file.length; slot += 1, at += RECORD_BYTES) {
    const Time = file.readUInt32LE(at);
    if (Time === 0 || Time <= since || Time > until || slotOf(Time, interval) !== slot) continue;
    const rate = (index: number): number => file.readFloatLE(at + 16 + 4 * index);
    samples.push({
      Time,
      Processes: file.readUInt32LE(at + 4),
      Memory: file.readDoubleLE(at + 8),
      ...{ Cpu: rate(0), NetworkIn: rate(1), NetworkOut: rate(2), DiskRead: rate(3), DiskWrite: rate(4) },
    });
  }
  return { samples: samples.sort((a, b) => a.Time - b.Time), interval };
}

/** At most so many samples, each the average of those next to each other in time; an interval without any gives none. */
export function thin(
  samples: StatisticsSample[],
  interval: number,
  points: number,
): { samples: StatisticsSample[]; intervalSeconds: number } {
  const [first] = samples;
  const last = samples.at(-1);
  if (!first || !last || samples.length <= points) return { samples, intervalSeconds: interval };
  const span = last.Time - first.Time + interval;
  const intervalSeconds = Math.ceil(span / points / interval) * interval;
  const groups = new Map<number, StatisticsSample[]>();
  for (const sample of samples) {
    const index = Math.floor((sample.Time - first.Time) / intervalSeconds);
    const group = groups.get(index);
    if (group) group.push(sample);
    else groups.set(index, [sample]);
  }
  return { samples: [...groups.values()].map(average), intervalSeconds };
}

function average(group: StatisticsSample[]): StatisticsSample {
  const mean = (field: keyof StatisticsSample): number => group.reduce((sum, sample) => sum + sample[field], 0) / group.length;
  return {
    Time: group.at(-1)?.Time ?? 0,
    Processes: Math.round(mean('Processes')),
    Memory: Math.round(mean('Memory')),
    ...{ Cpu: mean('Cpu'), NetworkIn: mean('NetworkIn'), NetworkOut: mean('NetworkOut') },
    ...{ DiskRead: mean('DiskRead'), DiskWrite: mean('DiskWrite') },
  };
}
