import { describe, expect, it } from 'vitest';
import { reasonOf } from './reason.ts';
import type { StopFacts, StopRequest } from './types.ts';

const facts = (more: Partial<StopFacts>): StopFacts => ({
  ...{
    id: 'a',
    name: 'n',
    image: 'i',
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T01:00:00Z',
    exitCode: 0,
    oomKilled: false,
  },
  ...{ error: undefined, request: undefined, shutdown: false, lost: false, restart: undefined, health: undefined, oomAt: undefined },
  ...more,
});
const request = (call: StopRequest['call'], signal?: number, time = '2026-01-01T00:59:55Z'): StopRequest => ({
  call,
  time,
  ...(signal === undefined ? {} : { signal }),
});

describe('why a container stopped', () => {
  it.each<[string, Partial<StopFacts>, ReturnType<typeof reasonOf>]>([
    ['by itself', { exitCode: 3 }, { cause: 'exited', by: 'process', forced: false }],
    ['by a signal from anywhere', { exitCode: 139 }, { cause: 'signal', by: 'unknown', forced: false }],
    ['by an exit code that is no signal', { exitCode: 255 }, { cause: 'exited', by: 'process', forced: false }],
    ['for want of memory', { exitCode: 137, oomKilled: true }, { cause: 'oom', by: 'kernel', forced: false }],
    [
      'for want of memory that was heard of just now',
      { exitCode: 137, oomKilled: true, oomAt: '2026-01-01T00:59:59Z' },
      { cause: 'oom', by: 'kernel', forced: false },
    ],
    [
      'by a SIGKILL from anywhere, long after a child was killed for memory',
      { exitCode: 137, oomKilled: true, oomAt: '2026-01-01T00:30:00Z' },
      { cause: 'signal', by: 'unknown', forced: false },
    ],
    ['by itself, when a child was killed for memory', { exitCode: 2, oomKilled: true }, { cause: 'exited', by: 'process', forced: false }],
    ['well, though a child was killed for memory', { exitCode: 0, oomKilled: true }, { cause: 'exited', by: 'process', forced: false }],
    ['by stop', { exitCode: 143, request: request('stop', 15) }, { cause: 'stopped', by: 'api', forced: false }],
    ['by stop, as it wished', { exitCode: 0, request: request('stop', 15) }, { cause: 'stopped', by: 'api', forced: false }],
    ['by stop, when its time was over', { exitCode: 137, request: request('stop', 15) }, { cause: 'stopped', by: 'api', forced: true }],
    ['by stop with SIGKILL', { exitCode: 137, request: request('stop', 9) }, { cause: 'stopped', by: 'api', forced: false }],
    [
      'by stop while short of memory',
      { exitCode: 137, oomKilled: true, request: request('stop', 15) },
      { cause: 'stopped', by: 'api', forced: true },
    ],
    ['by kill', { exitCode: 137, request: request('kill', 9) }, { cause: 'killed', by: 'api', forced: false }],
    [
      'long after a kill that it ignored',
      { exitCode: 0, request: request('kill', 15, '2026-01-01T00:10:00Z') },
      { cause: 'exited', by: 'process', forced: false },
    ],
    ['by its removal', { exitCode: 137, request: request('remove') }, { cause: 'stopped', by: 'api', forced: false }],
    [
      'with the engine',
      { exitCode: 143, shutdown: true, request: request('stop', 15) },
      { cause: 'shutdown', by: 'engine', forced: false },
    ],
    ['with the host', { exitCode: 255, lost: true }, { cause: 'lost', by: 'host', forced: false }],
    ['before it started', { exitCode: 127, error: 'not found' }, { cause: 'start', by: 'engine', forced: false }],
  ])('%s', (_name, more, expected) => {
    expect(reasonOf(facts(more))).toEqual(expected);
  });
});
