import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { explain } from './explain.ts';
import { matches, parseFilter, toggleToken } from './filter.ts';
import { formatSize, shortId } from './format.ts';
import { Refresher } from './refresher.ts';
import { formatRoute, parseRoute } from './route.ts';

describe('filter', () => {
  const names = ['state', 'host'];
  it('knows tokens from words', () => {
    expect(parseFilter('web nginx:1.27 state:exited host:"my nas"', names)).toEqual({
      words: ['web', 'nginx:1.27'],
      tokens: [
        { name: 'state', value: 'exited' },
        { name: 'host', value: 'my nas' },
      ],
    });
  });
  it('takes tokens of one name as alternatives, all else together', () => {
    const filter = parseFilter('web state:paused state:exited', names);
    expect(matches(filter, 'web-1', { state: ['exited'] })).toBe(true);
    expect(matches(filter, 'web-1', { state: ['running'] })).toBe(false);
    expect(matches(filter, 'db', { state: ['exited'] })).toBe(false);
    expect(matches(parseFilter('state:used', names), '', { state: ['unused'] })).toBe(false);
    expect(matches(parseFilter('state:unused', names), '', { state: ['unused'] })).toBe(true);
  });
  it('toggles a token', () => {
    expect(toggleToken('a', 'state', 'exited')).toBe('a state:exited');
    expect(toggleToken('a state:exited', 'state', 'exited')).toBe('a');
  });
});

it('knows what to do about a volume in memory that Podman 4.3 refuses', () => {
  const said = 'volume options size and inodes not supported. Filesystem does not support Project Quota';
  expect(explain(new Error(said))).toHaveProperty('remedy');
  expect(explain(new Error('volume options'))).not.toHaveProperty('remedy');
});

describe('sizes', () => {
  it('have three digits at most', () => {
    expect(formatSize(0)).toBe('0 B');
    expect(formatSize(999_700)).toBe('1 MB');
    expect(formatSize(1_214_000_000)).toBe('1.21 GB');
    expect(formatSize(56_700_000)).toBe('56.7 MB');
  });
  it('ids have twelve', () => expect(shortId(`sha256:${'ab'.repeat(32)}`)).toBe('abababababab'));
});

it('addresses are read as they are written', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('containers' as const, 'images' as const),
      fc.string({ minLength: 1 }),
      fc.string({ minLength: 1 }),
      (page, host, id) => {
        const route = { page, detail: { host, id, tab: 'logs' } };
        expect(parseRoute(formatRoute(route))).toEqual(route);
      },
    ),
  );
});

it('refreshes once for many marks, and once more for what came meanwhile', async () => {
  vi.useFakeTimers();
  let finish = () => {};
  const refresh = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)));
  const refresher = new Refresher(refresh, 50);
  refresher.mark('a');
  refresher.mark('a');
  await vi.advanceTimersByTimeAsync(50);
  expect(refresh).toHaveBeenCalledTimes(1);
  refresher.mark('a');
  refresher.mark('a');
  finish();
  await vi.advanceTimersByTimeAsync(50);
  expect(refresh).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});
