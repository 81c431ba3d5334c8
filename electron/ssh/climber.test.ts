import { describe, expect, test } from 'vitest';
import { Climber } from './climber.ts';

const options = { firstBytes: 64 * 1024, mostBytes: 2 * 1024 * 1024 };
const STEP_MS = 10;

/** A link of `rate` bytes per ms and `roundMs`: what is under way takes that long, and no more than the limit is under way. */
function run(climber: Climber, rate: number, roundMs: number, ms: number, from = 0): number {
  let most = 0;
  for (let now = from; now < from + ms; now += STEP_MS) {
    climber.count(Math.min(rate, climber.limit / roundMs) * STEP_MS, now);
    most = Math.max(most, climber.limit);
  }
  return most;
}

describe('how much is under way', () => {
  test('a full link gets no more than one step beyond what fills it', () => {
    const climber = new Climber(options);
    expect(run(climber, 125, 200, 120_000)).toBe(2 * options.firstBytes);
    expect(climber.limit).toBeLessThanOrEqual(2 * options.firstBytes);
  });

  test('where the least that is possible fills it for long already, no more is tried', () => {
    const climber = new Climber({ ...options, firstBytes: 128 * 1024 });
    expect(run(climber, 125, 200, 120_000)).toBe(128 * 1024);
  });

  test('a long fast link is filled within two seconds, and stays so', () => {
    const climber = new Climber(options);
    run(climber, 12_500, 100, 2000);
    expect(climber.limit).toBeGreaterThanOrEqual(1024 * 1024);
    run(climber, 12_500, 100, 60_000, 2000);
    expect(climber.limit).toBeGreaterThanOrEqual(1024 * 1024);
    expect(climber.limit).toBeLessThanOrEqual(options.mostBytes);
  });

  test('so is one that is longer than a quarter of a second', () => {
    const climber = new Climber(options);
    run(climber, 12_500, 600, 20_000);
    expect(climber.limit).toBe(options.mostBytes);
  });

  test('a quick one is not kept waiting for long by a moment in which nothing came', () => {
    const climber = new Climber(options);
    run(climber, 50_000, 1, 1000);
    run(climber, 100, 1, 900, 1000);
    run(climber, 50_000, 1, 500, 1900);
    expect(climber.limit).toBe(options.mostBytes);
  });

  test('a source that says little is no measurement, and after a pause it begins anew', () => {
    const climber = new Climber(options);
    expect(run(climber, 2, 100, 120_000)).toBe(options.firstBytes);
    run(climber, 12_500, 100, 3000, 200_000);
    expect(climber.limit).toBeGreaterThan(options.firstBytes);
    climber.count(1, 300_000);
    expect(climber.limit).toBe(options.firstBytes);
  });

  test('bursts between pauses never climb beyond what the link can use', () => {
    const climber = new Climber(options);
    let most = 0;
    for (let burst = 0; burst < 50; burst += 1) most = Math.max(most, run(climber, 125, 200, 4000, burst * 10_000));
    expect(most).toBeLessThanOrEqual(2 * options.firstBytes);
  });
});
