import { describe, expect, it } from 'vitest';
import { nowNanos } from '../instant.ts';
import { createEvents } from './bus.ts';
import type { TimedEvent } from './types.ts';

const filters = (entries: Record<string, string[]> = {}) => new Map(Object.entries(entries));
const forever = () => new AbortController().signal;

async function take(events: AsyncIterable<TimedEvent>, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of events) {
    seen.push(`${event.Type} ${event.Action} ${event.Actor.ID}`);
    if (seen.length >= count) break;
  }
  return seen;
}

describe('events', () => {
  it('are delivered in order to a subscriber that subscribed before them', async () => {
    const events = createEvents();
    const stream = events.subscribe({ filters: filters(), signal: forever() });
    events.publish('container', 'create', 'a');
    events.publish('container', 'start', 'a');
    expect(await take(stream, 2)).toEqual(['container create a', 'container start a']);
  });

  it('carry the legacy fields of containers and images, and no others do', async () => {
    const events = createEvents();
    const stream = events.subscribe({ filters: filters(), signal: forever() });
    events.publish('container', 'start', 'a', { image: 'alpine', name: 'x' });
    events.publish('image', 'pull', 'alpine:latest', { name: 'alpine' });
    events.publish('volume', 'create', 'v');
    const seen: TimedEvent[] = [];
    for await (const event of stream) if (seen.push(event) === 3) break;
    expect(seen[0]).toMatchObject({ status: 'start', id: 'a', from: 'alpine' });
    expect(seen[1]).toMatchObject({ status: 'pull', id: 'alpine:latest' });
    expect(seen[1]).not.toHaveProperty('from');
    expect(seen[2]).not.toHaveProperty('status');
  });

  it('of the past come only when since or until asks for them, and until ends the stream', async () => {
    const events = createEvents();
    events.publish('container', 'create', 'a');
    const middle = nowNanos();
    events.publish('container', 'start', 'a');
    const now = nowNanos();
    expect(await take(events.subscribe({ since: 0n, until: now, filters: filters(), signal: forever() }))).toHaveLength(2);
    expect(await take(events.subscribe({ since: middle, until: now, filters: filters(), signal: forever() }))).toEqual([
      'container start a',
    ]);
    expect(await take(events.subscribe({ until: middle, filters: filters(), signal: forever() }))).toEqual(['container create a']);
    expect(await take(events.subscribe({ until: 0n, filters: filters(), signal: forever() }))).toHaveLength(2);
    expect(await take(events.subscribe({ until: nowNanos() + 20_000_000n, filters: filters(), signal: forever() }))).toHaveLength(2);
  });

  it('of the past are bounded', async () => {
    const events = createEvents({ historyLimit: 3 });
    for (let i = 0; i < 10; i++) events.publish('volume', 'create', `${i}`);
    const seen = await take(events.subscribe({ since: 0n, until: nowNanos(), filters: filters(), signal: forever() }));
    expect(seen).toEqual(['volume create 7', 'volume create 8', 'volume create 9']);
  });

  it('drop a subscriber that does not read', async () => {
    const events = createEvents({ queueLimit: 5 });
    const stream = events.subscribe({ filters: filters(), signal: forever() });
    for (let i = 0; i < 6; i++) events.publish('volume', 'create', `${i}`);
    expect(await take(stream)).toEqual([]);
  });

  it('end for a subscriber whose signal is aborted while it waits', async () => {
    const events = createEvents();
    const abort = new AbortController();
    const seen = take(events.subscribe({ filters: filters(), signal: abort.signal }));
    abort.abort();
    expect(await seen).toEqual([]);
  });

  it.each<[Record<string, string[]>, string[]]>([
    [{ type: ['volume'] }, ['volume create data']],
    [{ event: ['start'] }, ['container start abcdef']],
    [{ event: ['exec_create'] }, ['container exec_create: sh abcdef']],
    [{ container: ['abc'] }, ['container start abcdef', 'container exec_create: sh abcdef']],
    [{ container: ['web'] }, ['container start abcdef', 'container exec_create: sh abcdef']],
    [{ image: ['alpine'] }, ['container start abcdef', 'container exec_create: sh abcdef', 'image pull alpine:3']],
    [{ image: ['alpine:3'] }, ['container start abcdef', 'container exec_create: sh abcdef', 'image pull alpine:3']],
    [{ label: ['tier=front'] }, ['container start abcdef']],
    [{ label: ['tier'], type: ['container'] }, ['container start abcdef']],
    [{ type: ['volume', 'image'] }, ['image pull alpine:3', 'volume create data']],
    [{ scope: ['swarm'] }, []],
  ])('pass the filter %j as dockerd lets them', async (filter, expected) => {
    const events = createEvents();
    events.publish('container', 'start', 'abcdef', { image: 'alpine:3', name: 'web', tier: 'front' });
    events.publish('container', 'exec_create: sh', 'abcdef', { image: 'alpine:3', name: 'web' });
    events.publish('image', 'pull', 'alpine:3', { name: 'alpine' });
    events.publish('volume', 'create', 'data', { driver: 'local' });
    expect(await take(events.subscribe({ until: nowNanos(), filters: filters(filter), signal: forever() }))).toEqual(expected);
  });
});
