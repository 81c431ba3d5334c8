import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, create, ENGINE, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

/** Events between two moments, oldest first. */
async function between(since: number, filters: object) {
  // The engine's clock is finer than ours: what it has just told may be of the next millisecond.
  const query = `since=${since}&until=${Date.now() / 1000 + 0.05}&filters=${encodeURIComponent(JSON.stringify(filters))}`;
  const { text } = await engine.client.get(`/events?${query}`);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe(`events on ${ENGINE}`, { timeout: 30_000 }, () => {
  it('tell the life of a container in order, with its attributes', async () => {
    const since = Date.now() / 1000 - 1;
    const id = await create(engine.client, { name: 'eventful', Cmd: ['sh', '-c', 'exit 3'], Labels: { tier: 'front' } });
    await engine.client.post(`/containers/${id}/start`);
    await waitFor(engine.client, id);
    await engine.client.post(`/containers/${id}/rename?name=renamed`);
    await engine.client.delete(`/containers/${id}`);
    const events = await between(since, { container: [id], type: ['container'] });
    expect(events.map(({ Action }) => Action)).toEqual(['create', 'start', 'die', 'rename', 'destroy']);
    expect(events[0]).toMatchObject({
      Type: 'container',
      status: 'create',
      id,
      from: BASE,
      scope: 'local',
      Actor: { ID: id, Attributes: { image: BASE, name: 'eventful', tier: 'front' } },
    });
    expect(events[2].Actor.Attributes).toMatchObject({ exitCode: '3' });
    expect(events[3].Actor.Attributes).toMatchObject({ name: 'renamed', oldName: '/eventful' });
  });

  it('connect and disconnect the network, and carry exact nanoseconds', async () => {
    const since = Date.now() / 1000 - 1;
    const id = await create(engine.client, { Cmd: ['true'] });
    await engine.client.post(`/containers/${id}/start`);
    await waitFor(engine.client, id);
    const { text } = await engine.client.get(`/events?since=${since}&until=${Date.now() / 1000 + 0.05}`);
    const lines = text.split('\n').filter(Boolean);
    const network = lines
      .map((line) => JSON.parse(line))
      .filter(({ Type, Actor }) => Type === 'network' && Actor.Attributes.container === id);
    expect(network.map(({ Action }) => Action)).toEqual(['connect', 'disconnect']);
    const times = lines.map((line) => BigInt(/"timeNano":(\d+)/.exec(line)?.[1] ?? 0));
    expect(times).toEqual([...times].sort((a, b) => Number(a - b)));
    expect(times.some((time) => time % 100n !== 0n)).toBe(true);
  });

  it('of volumes, networks and images come, too', async () => {
    const since = Date.now() / 1000 - 1;
    await engine.client.post('/volumes/create', { Name: 'event-volume' });
    await engine.client.delete('/volumes/event-volume');
    const network = (await engine.client.post('/networks/create', { Name: 'event-network' })).json.Id;
    await engine.client.delete(`/networks/${network}`);
    await engine.client.post(`/images/${BASE}/tag?repo=event-image&tag=1`);
    await engine.client.delete('/images/event-image:1');
    const events = await between(since, {
      type: ['volume', 'network', 'image'],
      event: ['create', 'destroy', 'tag', 'untag'],
    });
    expect(events.map(({ Type, Action }) => `${Type} ${Action}`)).toEqual([
      ...['volume create', 'volume destroy', 'network create', 'network destroy', 'image tag', 'image untag'],
    ]);
  });

  it('stream as they happen', async () => {
    const stream = await engine.client.open(
      'GET',
      `/events?filters=${encodeURIComponent(JSON.stringify({ event: ['create'], type: ['volume'] }))}`,
    );
    await engine.client.post('/volumes/create', { Name: 'live-volume' });
    for await (const chunk of stream) {
      expect(JSON.parse((chunk as Buffer).toString())).toMatchObject({ Type: 'volume', Action: 'create', Actor: { ID: 'live-volume' } });
      break;
    }
    await engine.client.delete('/volumes/live-volume');
  });
});
