import { constants, promises as fs } from 'node:fs';
import path from 'node:path';
import type { StatisticsHistory, StatisticsNow, StatisticsSample } from '../../contract/gantry.ts';
import type { Containers } from '../containers/types.ts';
import type { EngineContext } from '../context.ts';
import { Failure, messageOf } from '../failure.ts';
import { type Reading, sampleOf } from './rates.ts';
import { decode, encode, HOURS, header, isRing, thin } from './ring.ts';
import type { HistoryOptions, Statistics } from './types.ts';

const FILE = 'statistics';

/** Looks at all running containers at each interval, and writes what it sees into each one's folder, with which it also goes. */
export function createStatistics(context: EngineContext, containers: Pick<Containers, 'usages' | 'locate'>): Statistics {
  const interval = context.config.statisticsInterval;
  const readings = new Map<string, Reading>();
  const newest = new Map<string, StatisticsSample>();
  let timer: NodeJS.Timeout | undefined;
  let work: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    const seen = new Set<string>();
    for (const usage of context.config.statistics ? await containers.usages() : []) {
      seen.add(usage.id);
      const reading = { usage, at: Date.now() / 1000 };
      const sample = sampleOf(reading, readings.get(usage.id));
      readings.set(usage.id, reading);
      if (!sample) continue;
      newest.set(usage.id, sample);
      try {
        await write(path.join(usage.folder, FILE), sample, interval);
      } catch (error) {
        // Removed meanwhile: its statistics went with it.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
          context.log.warn('statistics could not be written', { container: usage.id, error: messageOf(error) });
        }
      }
    }
    for (const id of readings.keys()) if (!seen.has(id)) readings.delete(id);
    for (const id of newest.keys()) if (!seen.has(id)) newest.delete(id);
  };
  const schedule = (): void => {
    const wait = interval * 1000 - (Date.now() % (interval * 1000));
    timer = setTimeout(() => {
      work = look()
        .catch((error) => context.log.warn('statistics could not be read', { error: messageOf(error) }))
        .finally(schedule);
    }, wait).unref();
  };

  const enabled = (): void => {
    if (!context.config.statistics) throw new Failure('unavailable', 'statistics are not kept: "statistics" is false in the configuration');
  };
  return {
    describe: () => ({ Enabled: context.config.statistics, IntervalSeconds: interval, Hours: HOURS }),
    start: schedule,
    async stop() {
      clearTimeout(timer);
      await work;
      clearTimeout(timer);
    },
    now(): StatisticsNow {
      enabled();
      return { IntervalSeconds: interval, Containers: Object.fromEntries(newest) };
    },
    async history(reference, options) {
      enabled();
      const { id, folder } = containers.locate(reference);
      return historyOf(id, await readAll(path.join(folder, FILE)), options);
    },
  };
}

async function write(file: string, sample: StatisticsSample, interval: number): Promise<void> {
  const handle = await fs.open(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const fresh = header(interval);
    const start = Buffer.alloc(fresh.length);
    const { bytesRead } = await handle.read(start, 0, start.length, 0);
    if (!isRing(start.subarray(0, bytesRead), interval)) {
      await handle.truncate(0);
      await handle.write(fresh, 0, fresh.length, 0);
    }
    const { offset, bytes } = encode(sample, interval);
    await handle.write(bytes, 0, bytes.length, offset);
  } finally {
    await handle.close();
  }
}

async function readAll(file: string): Promise<Buffer> {
  try {
    return await fs.readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function historyOf(id: string, file: Buffer, { since, until, points }: HistoryOptions): StatisticsHistory {
  const now = Date.now() / 1000;
  const { samples: all, interval } = decode(file, Math.max(since ?? 0, now - HOURS * 3600), until ?? now + 1);
  const { samples, intervalSeconds } = points === undefined ? { samples: all, intervalSeconds: interval } : thin(all, interval, points);
  const column = (field: keyof StatisticsSample): number[] => samples.map((sample) => short(sample[field]));
  return {
    Id: id,
    IntervalSeconds: intervalSeconds,
    Times: column('Time'),
    Cpu: column('Cpu'),
    Memory: column('Memory'),
    Processes: column('Processes'),
    NetworkIn: column('NetworkIn'),
    NetworkOut: column('NetworkOut'),
    DiskRead: column('DiskRead'),
    DiskWrite: column('DiskWrite'),
  };
}

/** Four digits after the point: what a float holds beyond them is noise, and bytes on the wire. */
function short(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
