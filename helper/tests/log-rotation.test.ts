import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, eventually, onGantry, startEngine, type TestEngine } from './harness.ts';

const KILO = 1000;

/** json-file's `max-size` and `max-file` under a container that writes as fast as it can. */
describe.runIf(onGantry)('a log with a limit', { timeout: 120_000 }, () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);

  /** Bytes on disk by all of the log's files, one by two names once. */
  function bytesOf(id: string): number {
    const folder = path.join(engine.folder, 'data/containers', id);
    const sizes = new Map<number, number>();
    for (const name of readdirSync(folder)) {
      if (!name.startsWith('container.log')) continue;
      const stat = statSync(path.join(folder, name), { throwIfNoEntry: false });
      if (stat) sizes.set(stat.ino, stat.size);
    }
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  async function start(limits: Record<string, string>, command: string): Promise<string> {
    const options = Object.entries(limits).flatMap(([key, value]) => ['--log-opt', `${key}=${value}`]);
    const { stdout, stderr } = await engine.docker(['run', '-d', ...options, BASE, 'sh', '-c', command]);
    expect(stderr).toBe('');
    return stdout.trim();
  }

  const numbers = (text: string): number[] => text.trimEnd().split('\n').map(Number);
  const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

  it.each([1, 3])('takes hardly more than max-size for each of %i files, while 25 MB are written at once and after', async (files) => {
    const last = 500_000;
    const id = await start({ 'max-size': '1m', 'max-file': String(files) }, `seq 1 ${last}`);
    let most = 0;
    for (let running = true; running; await turn()) {
      most = Math.max(most, bytesOf(id));
      running = (await engine.client.get(`/containers/${id}/json`)).json.State.Running;
    }
    // One more than allowed lies there for the moment between the monitor's step and ours.
    expect(most).toBeLessThanOrEqual((files + 1) * 1000 * KILO);
    expect(bytesOf(id)).toBeLessThanOrEqual(files * 1000 * KILO);
    // The first may be the rest of a line whose beginning is gone. On a machine that is very busy a file in the middle may be gone, too.
    const [, ...kept] = numbers((await engine.docker(['logs', id])).stdout);
    expect(kept).toEqual([...new Set(kept)].filter((line) => line <= last).sort((a, b) => a - b));
    expect(kept.at(-1)).toBe(last);
    expect(kept.length).toBeGreaterThan((files - 1) * 15_000);
  });

  it('is held while the engine is away, and over restarts', async () => {
    const id = await start({ 'max-size': '50k', 'max-file': '2' }, 'seq 1 20000; sleep 1000');
    await engine.crash();
    expect(bytesOf(id)).toBeLessThanOrEqual(3 * 50 * KILO);
    await engine.start();
    await eventually('it has written all', async () => (await engine.docker(['logs', '--tail', '1', id])).stdout === '20000\n');
    for (let round = 0; round < 3; round += 1) {
      await engine.docker(['restart', '-t', '0', id]);
      await eventually('it has written all', async () => (await engine.docker(['logs', '--tail', '1', id])).stdout === '20000\n');
      expect(bytesOf(id)).toBeLessThanOrEqual(3 * 50 * KILO);
    }
  });

  it('is followed over its rotations, without a gap when its lines come slowly enough', async () => {
    const id = await start({ 'max-size': '2k', 'max-file': '3' }, 'for at in $(seq 300); do echo $at; usleep 5000; done');
    const { stdout } = await engine.docker(['logs', '-f', id]);
    expect(numbers(stdout)).toEqual(upTo(300));
  });
});
