import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { create, ENGINE, launch, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

const inspect = async (id: string) => (await engine.client.get(`/containers/${id}/json`)).json;
async function output(id: string): Promise<string> {
  await engine.client.post(`/containers/${id}/start`);
  await waitFor(engine.client, id);
  return (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text;
}

describe(`links on ${ENGINE}`, { timeout: 60_000 }, () => {
  let child = '';
  beforeAll(async () => {
    child = await launch(engine.client, {
      name: 'child',
      Cmd: ['sleep', '1000'],
      Env: ['SECRET=x=y', 'HOME=/nowhere'],
      ExposedPorts: { '80/tcp': {}, '53/udp': {}, '9000/tcp': {}, '9001/tcp': {}, '9002/tcp': {} },
    });
  });

  it('give the environment and the hosts file the name of the other', async () => {
    const address = (await inspect(child)).NetworkSettings.IPAddress;
    const id = await create(engine.client, {
      name: 'env',
      Tty: true,
      Cmd: ['sh', '-c', 'env; cat /etc/hosts'],
      HostConfig: { Links: ['child:my-db'] },
    });
    const lines = (await output(id)).split('\r\n');
    expect(lines.filter((line) => line.startsWith('MY_DB_')).sort()).toEqual(
      [
        `MY_DB_PORT=udp://${address}:53`,
        'MY_DB_NAME=/env/my-db',
        'MY_DB_ENV_SECRET=x=y',
        `MY_DB_PORT_9000_TCP_START=tcp://${address}:9000`,
        `MY_DB_PORT_9000_TCP_END=tcp://${address}:9002`,
        'MY_DB_PORT_9000_TCP_PORT_START=9000',
        'MY_DB_PORT_9000_TCP_PORT_END=9002',
        ...['80/tcp', '53/udp', '9000/tcp', '9001/tcp', '9002/tcp'].flatMap((port) => {
          const [number, protocol = ''] = port.split('/');
          const name = `MY_DB_PORT_${number}_${protocol.toUpperCase()}`;
          return [
            `${name}=${protocol}://${address}:${number}`,
            `${name}_ADDR=${address}`,
            `${name}_PORT=${number}`,
            `${name}_PROTO=${protocol}`,
          ];
        }),
      ].sort(),
    );
    expect(lines).toContain(`${address}\tmy-db ${child.slice(0, 12)} child`);
  });

  it('are names of the other, follow renames, and can be removed', async () => {
    const id = await create(engine.client, { name: 'parent', Cmd: ['true'], HostConfig: { Links: ['child:db'] } });
    expect((await inspect('parent/db')).Id).toBe(child);
    const listed = async () => (await engine.client.get('/containers/json')).json.find(({ Id }: { Id: string }) => Id === child).Names;
    expect(await listed()).toContain('/parent/db');
    await engine.client.post(`/containers/${child}/rename?name=kid`);
    await engine.client.post(`/containers/${id}/rename?name=mother`);
    expect((await inspect(id)).HostConfig.Links).toEqual(['/kid:/mother/db']);
    expect(await listed()).toContain('/mother/db');
    expect((await engine.client.delete('/containers/mother?link=1')).json.message).toBe(
      'Conflict, cannot remove the default link name of the container',
    );
    expect((await engine.client.delete('/containers/mother/db?link=1')).status).toBe(204);
    expect((await inspect(id)).HostConfig.Links).toBeNull();
    expect(await listed()).toEqual(expect.not.arrayContaining(['/mother/db']));
    expect((await inspect(child)).State.Running).toBe(true);
    await engine.client.post(`/containers/${child}/rename?name=child`);
  });

  it('to what is not there, or does not run, are refused', async () => {
    const missing = await engine.client.post('/containers/create', { Image: 'gantry-test/base:1', HostConfig: { Links: ['nobody:x'] } });
    expect([missing.status, missing.json.message]).toEqual([400, 'could not get container for nobody: No such container: nobody']);
    await create(engine.client, { name: 'idle', Cmd: ['true'] });
    const id = await create(engine.client, { name: 'wants', Cmd: ['true'], HostConfig: { Links: ['idle'] } });
    const started = await engine.client.post(`/containers/${id}/start`);
    expect([started.status, started.json.message]).toEqual([500, 'Cannot link to a non running container: /idle AS /wants/idle']);
  });
});

describe(`networks of a container on ${ENGINE}`, { timeout: 60_000 }, () => {
  const ask = async (network: string, verb: 'connect' | 'disconnect', Container: string, Force = false) => {
    const answer = await engine.client.post(`/networks/${network}/${verb}`, { Container, ...(Force ? { Force } : {}) });
    return [answer.status, answer.json?.message];
  };

  it('are joined once, left once', async () => {
    await engine.client.post('/networks/create', { Name: 'joined' });
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const apart = [500, `container ${id} is not connected to network joined`];
    expect(await ask('joined', 'disconnect', id)).toEqual(apart);
    expect(await ask('joined', 'disconnect', id, true)).toEqual(apart);
    expect((await ask('joined', 'connect', id))[0]).toBe(200);
    expect((await ask('joined', 'connect', id))[0]).toBe(403);
    expect((await ask('joined', 'disconnect', id, true))[0]).toBe(200);
    expect(await ask('joined', 'disconnect', 'nobody', true)).toEqual([404, 'endpoint nobody not found']);
    expect(await ask('joined', 'disconnect', 'nobody')).toEqual([404, 'No such container: nobody']);
  });

  it('of one that does not run are kept for its start', async () => {
    await engine.client.post('/networks/create', { Name: 'later' });
    const id = await create(engine.client, { Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'none' } });
    expect(await ask('later', 'connect', id)).toEqual([
      400,
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    ]);
    expect((await ask('none', 'disconnect', id))[0]).toBe(200);
    expect((await ask('later', 'connect', id))[0]).toBe(200);
    expect((await ask('later', 'connect', id))[0]).toBe(200);
    expect(Object.keys((await inspect(id)).NetworkSettings.Networks)).toEqual(['later']);
    expect(await ask('joined', 'disconnect', id)).toEqual([500, `container ${id} is not connected to the network joined`]);
  });

  it('that it was taken out of are not joined by its start, the one that it was created in least of all', async () => {
    for (const Name of ['first', 'second']) await engine.client.post('/networks/create', { Name });
    const id = await create(engine.client, { Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'first' } });
    expect((await ask('second', 'connect', id))[0]).toBe(200);
    expect((await ask('first', 'disconnect', id))[0]).toBe(200);
    expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(204);
    const networks = async (): Promise<string[]> => Object.keys((await inspect(id)).NetworkSettings.Networks);
    const links = async (): Promise<string> => (await engine.docker(['exec', id, 'ls', '/sys/class/net'])).stdout;
    expect([await networks(), await links()]).toEqual([['second'], 'eth0\nlo\n']);
    await engine.client.post(`/containers/${id}/kill`);
    await waitFor(engine.client, id);
    expect((await ask('second', 'disconnect', id))[0]).toBe(200);
    for (const name of ['first', 'second']) expect((await engine.client.delete(`/networks/${name}`)).status).toBe(204);
    expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(204);
    expect([await networks(), await links()]).toEqual([[], 'lo\n']);
  });
});
