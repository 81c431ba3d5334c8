import { describe, expect, it } from 'vitest';
import type { Health } from '../../contract/docker/index.ts';
import { nextHealth, nextInterval } from './health.ts';

const starting: Health = { Status: 'starting', FailingStreak: 0, Log: [] };
const check = { StartPeriod: 60e9, StartInterval: 1e9, Interval: 5e9, Retries: 1 };
const failed = (Start: string) => ({ Start, End: Start, ExitCode: 1, Output: '' });
const startedAt = BigInt(Date.parse('2030-01-01T00:00:00Z')) * 1_000_000n;

describe('the start period of a health check', () => {
  it('forgives failures and asks more often, while it lasts', () => {
    expect(nextHealth(starting, failed('2030-01-01T00:00:59Z'), check, startedAt)).toMatchObject({ Status: 'starting', FailingStreak: 0 });
    expect(nextHealth(starting, failed('2030-01-01T00:01:00Z'), check, startedAt)).toMatchObject({ Status: 'unhealthy', FailingStreak: 1 });
    expect([nextInterval(starting, check, 59e9), nextInterval(starting, check, 60e9)]).toEqual([1e9, 5e9]);
  });

  it('is over when the clock was set back behind the start, not a year long', () => {
    expect(nextHealth(starting, failed('2029-01-01T00:00:00Z'), check, startedAt).Status).toBe('unhealthy');
    expect(nextInterval(starting, check, -31_536_000e9)).toBe(5e9);
  });
});
