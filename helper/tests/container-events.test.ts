import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { create, ENGINE, launch, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

interface Event {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
}

/** What happened while `work` ran, to this container (its networks and volumes included). */
async function eventsOf(id: string, work: () => Promise<unknown>): Promise<Event[]> {
  // Whatever came before lies in an earlier millisecond.
  await delay(2);
  const since = Date.now() / 1000;
  await work();
  const answer = await engine.client.get(`/events?since=${since}&until=${Date.now() / 1000 + 0.05}`);
  const events: Event[] = answer.text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return events.filter(({ Actor }) => Actor.ID === id || Actor.Attributes.container === id);
}

const actions = (events: Event[]): string[] => events.map(({ Type, Action }) => `${Type} ${Action}`);

async function exec(id: string, Cmd: string[]): Promise<string> {
  const { Id } = (await engine.client.post(`/containers/${id}/exec`, { Cmd, AttachStdout: true })).json;
  const raw = await engine.client.hijack(`/exec/${Id}/start`, {});
  await raw.ended();
  return raw.text();
}

describe(`a container's events on ${ENGINE}`, { timeout: 60_000 }, () => {
  it('of a run, in order, with its network and its volumes', async () => {
    const id = await create(engine.client, { Cmd: ['true'], HostConfig: { Binds: ['events-volume:/v:ro'] } });
    const events = await eventsOf(id, async () => {
      await engine.client.post(`/containers/${id}/start`);
      await waitFor(engine.client, id);
    });
    expect(actions(events)).toEqual([
      'network connect',
      'volume mount',
      'container start',
      'container die',
      'network disconnect',
      'volume unmount',
    ]);
    expect(events[1]?.Actor).toEqual({
      ID: 'events-volume',
      Attributes: { container: id, destination: '/v', driver: 'local', propagation: '', 'read/write': 'false' },
    });
  });

  it('of execs name the command; one that can’t be run does not die', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const events = await eventsOf(id, async () => {
      await exec(id, ['true']);
      await exec(id, ['sh', '-c', 'exit 3']);
      expect(await exec(id, ['nothing'])).toMatch(/executable file not found in \$PATH/);
    });
    expect(actions(events)).toEqual([
      'container exec_create: true ',
      'container exec_start: true ',
      'container exec_die',
      'container exec_create: sh -c exit 3',
      'container exec_start: sh -c exit 3',
      'container exec_die',
      'container exec_create: nothing ',
      'container exec_start: nothing ',
    ]);
    expect(events[5]?.Actor.Attributes.exitCode).toBe('3');
  });

  it('of a commit say that it was paused, and what came of it', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const events = await eventsOf(id, () => engine.client.post(`/commit?container=${id}&repo=docker.io/library/made&tag=1&comment=why`));
    expect(actions(events)).toEqual(['container pause', 'container commit', 'container unpause']);
    expect(events[1]?.Actor.Attributes).toMatchObject({ comment: 'why', imageRef: 'made:1', imageID: expect.stringMatching(/^sha256:/) });
    await engine.client.delete('/images/made:1');
  });

  it('of copies', async () => {
    const id = await create(engine.client, { Cmd: ['true'], Labels: { own: 'label' } });
    const events = await eventsOf(id, async () => {
      const answer = await engine.client.get(`/containers/${id}/archive?path=/etc/passwd`);
      await engine.client.ask('PUT', `/containers/${id}/archive?path=/tmp`, {
        body: Buffer.alloc(1024),
        headers: { 'Content-Type': 'application/x-tar' },
      });
      expect(answer.status).toBe(200);
    });
    expect(actions(events)).toEqual(['container archive-path', 'container extract-to-dir']);
    expect(events[1]?.Actor.Attributes).toMatchObject({ own: 'label', image: 'gantry-test/base:1' });
  });
});

describe(`waiting on ${ENGINE}`, { timeout: 60_000 }, () => {
  it('for the next exit goes on when a start failed: there was no run', async () => {
    const id = await create(engine.client, { Cmd: ['nothing'] });
    const answer = await engine.client.open('POST', `/containers/${id}/wait?condition=next-exit`);
    let settled = false;
    answer.on('data', () => {
      settled = true;
    });
    expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(400);
    expect((await engine.client.post(`/containers/${id}/wait`)).json.StatusCode).toBe(127);
    expect(settled).toBe(false);
    const ended = new Promise((resolve) => answer.on('end', resolve));
    await engine.client.delete(`/containers/${id}`);
    await ended;
    expect(settled).toBe(true);
  });
});

describe(`an exec on ${ENGINE}`, { timeout: 60_000 }, () => {
  it('is framed as its start asks for, whatever terminal it has', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const start = async (terminal: boolean, Tty: boolean): Promise<string> => {
      const { Id } = (await engine.client.post(`/containers/${id}/exec`, { Cmd: ['echo', 'hi'], AttachStdout: true, Tty: terminal })).json;
      const raw = await engine.client.hijack(`/exec/${Id}/start`, { Tty });
      await raw.ended();
      return Tty ? raw.text() : raw.frames().stdout;
    };
    expect(await start(true, true)).toBe('hi\r\n');
    expect(await start(true, false)).toBe('hi\r\n');
    expect(await start(false, false)).toBe('hi\n');
  });

  it('has the home of its user, or the root for one that has none', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'], User: '4242' });
    const home = async (User?: string): Promise<string> => {
      const { Id } = (
        await engine.client.post(`/containers/${id}/exec`, {
          Cmd: ['sh', '-c', 'echo $HOME'],
          AttachStdout: true,
          ...(User ? { User } : {}),
        })
      ).json;
      const raw = await engine.client.hijack(`/exec/${Id}/start`, {});
      await raw.ended();
      return raw.frames().stdout.trim();
    };
    expect(await home()).toBe('/');
    expect(await home('alice')).toBe('/home');
    expect(await home('root')).toBe('/root');
  });
});
