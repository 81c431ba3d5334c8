import { describe, expect, it, vi } from 'vitest';
import { type Container, type ContainerRecord, enliven } from './container.ts';
import { settleExit, untilStopped } from './engine.ts';

const running = (): Container => enliven({ state: { status: 'running' } } as ContainerRecord);

describe('waiting for the end of a container', () => {
  it('tells the end', async () => {
    const container = running();
    const waiting = untilStopped(container, undefined, new AbortController().signal);
    settleExit(container, 0);
    expect(await waiting).toBe(true);
    expect(container.live.waiters.size).toBe(0);
  });

  it('leaves nothing behind when nobody waits any more', async () => {
    const container = running();
    const client = new AbortController();
    const waiting = untilStopped(container, undefined, client.signal);
    expect(container.live.waiters.size).toBe(1);
    client.abort();
    expect(await waiting).toBe(false);
    expect(container.live.waiters.size).toBe(0);
  });

  it('that may take longer than a timer counts is still awaited', async () => {
    vi.useFakeTimers();
    try {
      const waiting = untilStopped(running(), 3_000_000_000, new AbortController().signal);
      await vi.advanceTimersByTimeAsync(2_000_000_000);
      expect(await Promise.race([waiting, 'waits'])).toBe('waits');
    } finally {
      vi.useRealTimers();
    }
  });
});
