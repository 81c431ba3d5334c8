import { expect, it } from 'vitest';
import { type ContainerRecord, enliven } from './container.ts';
import { untilCaught } from './first-moments.ts';

it('the first moments of a container that was started before the clock was set back are no longer than others', async () => {
  const startedAt = new Date(Date.now() + 86_400_000).toISOString();
  // A process that catches no such signal: this one, with a signal that nobody uses.
  const container = enliven({ state: { status: 'running', pid: process.pid, startedAt }, hostConfig: {} } as ContainerRecord);
  const before = performance.now();
  await untilCaught(container, 40);
  expect(performance.now() - before).toBeLessThan(5_000);
});
