import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { type Answer, BASE, create, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';
import { savedImage } from './images.ts';
import { engineTraces } from './leftovers.ts';

const TAR = { 'Content-Type': 'application/x-tar' };

/**
 * A disk that fails in the midst of writes, whereupon its file system makes itself read-only: a loop device over a file whose
 * own file system is full. What was answered with success is there after a repair, what was not is not there in halves.
 */
describe.runIf(onGantry)('a disk that breaks', { timeout: 90_000 }, () => {
  let engine: TestEngine;
  const at = (...names: string[]): string => path.join(engine.folder, ...names);
  const breakDisk = (): void => {
    execFileSync('sh', ['-c', `cat /dev/zero > ${at('below/filler')} 2>/dev/null || :`]);
  };
  /** As a rescue system does it: nothing runs, the file system is checked and mounted again. */
  const mendDisk = async (): Promise<void> => {
    await engine.crash();
    for (const line of engineTraces(engine.folder).processes) process.kill(Number(line.split(' ')[0]), 'SIGKILL');
    await eventually('nothing runs there', () => engineTraces(engine.folder).processes.length === 0 || undefined);
    rmSync(at('below', 'filler'));
    execFileSync('umount', [at('data')]);
    // A copy: another mount namespace may still have the old one mounted, and then it would be that again.
    execFileSync('sh', ['-ec', 'cp --sparse=always disk copy; mv copy disk'], { cwd: at('below') });
    // 1: errors were corrected.
    execFileSync('sh', ['-c', `e2fsck -fy ${at('below/disk')} >/dev/null 2>&1; [ $? -le 1 ]`]);
    execFileSync('mount', ['-o', 'loop', at('below/disk'), at('data')]);
  };
  beforeAll(async () => {
    engine = await startEngine({ dataSize: '200M', diskSize: '64M' });
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);

  it('is said, kills nothing, and costs nothing that was there', async () => {
    const { client } = engine;
    const written = await launch(client, { Cmd: ['sh', '-c', 'echo precious > /data/file; sync'], HostConfig: { Binds: ['kept:/data'] } });
    await waitFor(client, written);
    const runs = await launch(client, { name: 'runs', Cmd: ['sleep', '1000'] });
    const fresh = await create(client, { name: 'fresh', Cmd: ['true'] });
    await eventually('all is written', () => readFileSync(at('data/containers', written, 'container.json'), 'utf8').includes('"exited"'));
    const root = tarOf([{ name: 'file', data: Buffer.alloc(6_000_000, 'r') }]);
    breakDisk();

    const answered: string[] = [];
    const attempts: [what: string, attempt: () => Promise<Answer>][] = [
      ['load', () => client.ask('POST', '/images/load?quiet=1', { body: savedImage('loaded:1', [root]), headers: TAR })],
      ['create', () => client.post('/containers/create?name=made', { Image: BASE, HostConfig: { Binds: ['made:/bin'] } })],
      ['start', () => client.post(`/containers/${fresh}/start`)],
      ['commit', () => client.post(`/commit?container=${written}&repo=committed`)],
      ['volume', () => client.post('/volumes/create', { Name: 'own' })],
      ['network', () => client.post('/networks/create', { Name: 'own' })],
      ['tag', () => client.post(`/images/${BASE}/tag?repo=other&tag=1`)],
      ['rename', () => client.post(`/containers/${fresh}/rename?name=renamed`)],
    ];
    // More than once: what is broken first becomes read-only, and says that in other words.
    for (let round = 0; round < 3; round += 1) {
      for (const [what, attempt] of attempts) {
        const answer = await attempt();
        const error = answer.status >= 400 ? answer.json.message : answer.text.includes('"error"') ? answer.json.error : undefined;
        if (error === undefined) answered.push(what);
        else if (answer.status !== 409)
          expect(error, what).toMatch(/input\/output error|read-only file system|no space left on device|EIO|EROFS/i);
      }
      await delay(1000);
    }
    expect(answered).not.toContain('load');
    expect((await client.get('/_ping')).text).toBe('OK');
    expect((await client.get(`/containers/${runs}/json`)).json.State.Running).toBe(true);
    expect((await client.post(`/containers/${runs}/exec`, { Cmd: ['true'] })).status).toBe(201);

    await mendDisk();
    await engine.start();
    const names: string[] = (await client.get('/containers/json?all=1')).json.flatMap(({ Names }: { Names: string[] }) => Names);
    const images: string[] = (await client.get('/images/json')).json.flatMap(({ RepoTags }: { RepoTags: string[] }) => RepoTags);
    const volumes: string[] = (await client.get('/volumes')).json.Volumes.map(({ Name }: { Name: string }) => Name);
    const networks: string[] = (await client.get('/networks')).json.map(({ Name }: { Name: string }) => Name);
    expect(names).toContain('/runs');
    expect(names).toContain(answered.includes('rename') ? '/renamed' : '/fresh');
    expect(images).toContain(BASE);
    expect(images).not.toContain('loaded:1');
    const present: Record<string, boolean> = {
      create: names.includes('/made'),
      volume: volumes.includes('own'),
      network: networks.includes('own'),
      tag: images.includes('other:1'),
      commit: images.includes('committed:latest'),
    };
    for (const what of answered.filter((each) => each in present)) expect(present[what], what).toBe(true);
    // What is there works, whether its answer was a success or the disk broke in between.
    const read = await engine.docker(['run', '--rm', '-v', 'kept:/data', BASE, 'cat', '/data/file']);
    expect(read).toMatchObject({ code: 0, stdout: 'precious\n' });
    for (const name of names) expect((await client.post(`/containers${name}/start`)).status, name).toBeLessThan(400);
    for (const image of images) expect((await engine.docker(['run', '--rm', image, 'true'])).code, image).toBe(0);
    expect(engine.log()).not.toMatch(/uncaught|unhandled/i);
  });
});
