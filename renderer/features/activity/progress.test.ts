import { expect, it } from 'vitest';
import { addProgress, emptyPull, pullTotal, Rate } from './progress.ts';

const run = (...messages: Parameters<typeof addProgress>[1][]) => messages.reduce(addProgress, emptyPull);

it('follows layers through their phases', () => {
  const state = run(
    { status: 'Pulling from library/nginx', id: '1.27' },
    { status: 'Pulling fs layer', id: 'a' },
    { status: 'Already exists', id: 'b' },
    { status: 'Downloading', id: 'a', progressDetail: { current: 30, total: 100 } },
  );
  expect(state.layers).toEqual([
    { id: 'a', phase: 'downloading', current: 30, total: 100 },
    { id: 'b', phase: 'exists', current: 0, total: 0 },
  ]);
  expect(pullTotal(state).fraction).toBeCloseTo((0.24 + 1) / 2);
  const done = addProgress(addProgress(state, { status: 'Download complete', id: 'a' }), { status: 'Pull complete', id: 'a' });
  expect(pullTotal(done)).toEqual({ current: 100, total: 100, fraction: 1 });
});

it('keeps the error', () => {
  expect(run({ error: 'x', errorDetail: { message: 'manifest unknown' } }).error).toBe('manifest unknown');
});

it('measures the rate over a window', () => {
  const rate = new Rate();
  expect(rate.add(0, 0)).toBe(0);
  expect(rate.add(1000, 1000)).toBe(1000);
  rate.add(2000, 5000);
  expect(rate.add(12_000, 6000)).toBe((12_000 - 2000) / 1);
});
