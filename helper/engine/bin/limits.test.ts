import { describe, expect, it } from 'vitest';
import { expiry, overdue } from './limits.ts';

const entry = (Id: string, day: number, Bytes: number) => ({ Id, RemovedAt: `2026-01-${String(day).padStart(2, '0')}T00:00:00Z`, Bytes });
const now = Date.parse('2026-01-20T00:00:00Z');

describe('what has to leave the bin', () => {
  const newestFirst = [entry('a', 19, 40), entry('b', 15, 50), entry('c', 10, 30), entry('d', 1, 1)];

  it('is what is too old', () => {
    expect(overdue(newestFirst, { maxBytes: 1000, keepDays: 10 }, now)).toEqual(['c', 'd']);
    expect(overdue(newestFirst, { maxBytes: 1000, keepDays: 0 }, now)).toEqual([]);
  });
  it('is the oldest, when there is too much; what is small enough stays', () => {
    expect(overdue(newestFirst, { maxBytes: 91, keepDays: 0 }, now)).toEqual(['c']);
    expect(overdue(newestFirst, { maxBytes: 60, keepDays: 0 }, now)).toEqual(['b', 'c']);
    expect(overdue(newestFirst, { maxBytes: 0, keepDays: 0 }, now)).toEqual(['a', 'b', 'c', 'd']);
  });
  it('is told with each entry', () => {
    expect(expiry('2026-01-01T00:00:00.5Z', { maxBytes: 0, keepDays: 2 })).toBe('2026-01-03T00:00:00.500Z');
    expect(expiry('2026-01-01T00:00:00Z', { maxBytes: 0, keepDays: 0 })).toBe('');
  });
});
