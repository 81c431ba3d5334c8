import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { type TarHeader, TarReader } from '../store/tar/reader.ts';
import { archive } from './base-image.ts';
import { create, ENGINE, launch, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
let running = '';
beforeAll(async () => {
  engine = await startEngine();
  running = await launch(engine.client, {
    name: 'copied',
    Cmd: ['sh', '-c', 'mkdir -p /d/sub; echo one >/d/one; ln -s /d /link; ln -s nowhere /dangling; sleep 1000'],
    HostConfig: { Binds: ['files:/volume'] },
  });
  await engine.docker(['exec', running, 'sh', '-c', 'until test -L /dangling; do sleep 0.02; done']);
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

interface Entry {
  name: string;
  type: string | null | undefined;
  uid: number;
  text: string;
}

/** What GET /archive gives, or its error. */
async function fetch(id: string, path: string): Promise<Entry[]> {
  const answer = await engine.client.open('GET', `/containers/${id}/archive?path=${encodeURIComponent(path)}`);
  const entries: Entry[] = [];
  if (answer.statusCode !== 200) {
    let text = '';
    for await (const chunk of answer) text += chunk;
    throw new Error(`${answer.statusCode} ${JSON.parse(text).message}`);
  }
  for await (const entry of answer.pipe(tar.extract())) {
    let text = '';
    for await (const chunk of entry) text += chunk;
    entries.push({ name: entry.header.name, type: entry.header.type, uid: entry.header.uid ?? 0, text });
  }
  return entries;
}

async function send(id: string, path: string, body: Buffer, more = ''): Promise<[number, string | undefined]> {
  const answer = await engine.client.ask('PUT', `/containers/${id}/archive?path=${encodeURIComponent(path)}${more}`, {
    body,
    headers: { 'Content-Type': 'application/x-tar' },
  });
  return [answer.status, answer.json?.message];
}

const names = (entries: Entry[]): string[] => entries.map(({ name }) => name).sort();
const file = (name: string, text = 'text') => archive([{ name, data: Buffer.from(text) }]);

describe(`copy out on ${ENGINE}`, { timeout: 60_000 }, () => {
  it('names what it finds as it was asked for', async () => {
    expect(names(await fetch(running, '/d'))).toEqual(['d/', 'd/one', 'd/sub/']);
    expect(names(await fetch(running, '/d/.'))).toEqual(['./', './one', './sub/']);
    expect(names(await fetch(running, '/link/'))).toEqual(['link/', 'link/one', 'link/sub/']);
    expect(await fetch(running, '/link')).toMatchObject([{ name: 'link', type: 'symlink' }]);
    expect(names(await fetch(running, '/'))).toEqual(expect.arrayContaining(['/', '/bin/', '/d/one']));
  });

  it('says what is missing with the name that the client has for the container', async () => {
    await expect(fetch('copied', '/nothing')).rejects.toThrow('404 Could not find the file /nothing in container copied');
    await expect(fetch(running, '/dangling/x')).rejects.toThrow(`404 Could not find the file /dangling/x in container ${running}`);
    expect(await send('copied', '/nothing', await file('x'))).toEqual([404, 'Could not find the file /nothing in container copied']);
    expect((await send('copied', '/d/one', await file('x')))[1]).toBe('extraction point is not a directory');
  });

  it('leaves out what is the kernel’s', async () => {
    const all = names(await fetch(running, '/'));
    expect(all.filter((name) => name.startsWith('/proc/') || name.startsWith('/sys/'))).toEqual(['/proc/', '/sys/']);
    await expect(fetch(running, '/proc/version')).rejects.toThrow('404 Could not find the file /proc/version');
  });

  it('finds in a container that was never started what it will have', async () => {
    const id = await create(engine.client, { Cmd: ['true'], HostConfig: { Binds: ['files:/some/where'] } });
    expect(await send(id, '/some/where', await file('kept', 'in the volume'))).toEqual([200, undefined]);
    expect(await fetch(id, '/some/where/kept')).toMatchObject([{ text: 'in the volume' }]);
    expect(await fetch(running, '/volume/kept')).toMatchObject([{ text: 'in the volume' }]);
    const all = names(await fetch(id, '/'));
    expect(all).toEqual(expect.arrayContaining(['/.dockerenv', '/some/where/', '/some/where/kept', '/etc/hosts', '/etc/mtab', '/proc/']));
  });

  it('shows that a container has its mark and mtab', async () => {
    const id = await launch(engine.client, { Tty: true, Cmd: ['sh', '-c', 'ls /.dockerenv; readlink /etc/mtab'] });
    await waitFor(engine.client, id);
    expect((await engine.client.get(`/containers/${id}/logs?stdout=1`)).text).toBe('/.dockerenv\r\n/proc/mounts\r\n');
    expect((await engine.client.get(`/containers/${id}/changes`)).text.trim()).toMatch(/^(null|\[\])$/);
  });
});

describe(`copy in on ${ENGINE}`, { timeout: 60_000 }, () => {
  it('takes compressed archives', async () => {
    expect(await send(running, '/d', gzipSync(await file('zipped', 'unzipped')))).toEqual([200, undefined]);
    expect(await fetch(running, '/d/zipped')).toMatchObject([{ text: 'unzipped' }]);
  });

  it('follows a link to a folder', async () => {
    expect(await send(running, '/link', await file('through'))).toEqual([200, undefined]);
    expect(names(await fetch(running, '/d'))).toContain('d/through');
  });

  it('does not replace a folder by a file or a file by a folder, when asked so', async () => {
    const [status, message] = await send(running, '/d', await file('sub'), '&noOverwriteDirNonDir=1');
    expect([status, message]).toEqual([500, expect.stringMatching(/cannot overwrite directory "\/d\/sub" with non-directory "\/d"$/)]);
    const [other, why] = await send(running, '/d', await archive([{ name: 'one/' }]), '&noOverwriteDirNonDir=1');
    expect([other, why]).toEqual([500, expect.stringMatching(/cannot overwrite non-directory "\/d\/one" with directory "\/d"$/)]);
  });

  it('keeps owners, or gives everything to the container’s user', async () => {
    const pack = tar.pack();
    pack.entry({ name: 'owned', uid: 1234, gid: 5678 }, 'x');
    pack.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of pack) chunks.push(chunk as Buffer);
    const data = Buffer.concat(chunks);
    await send(running, '/tmp', data);
    expect(await fetch(running, '/tmp/owned')).toMatchObject([{ uid: 1234 }]);
    await send(running, '/tmp', data, '&copyUIDGID=1');
    expect(await fetch(running, '/tmp/owned')).toMatchObject([{ uid: 1234 }]);
  });

  it('brings back what was sent: owners, modes, capabilities, names that are not UTF-8', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    const sent = tarOf([
      { name: 'sent/', type: 'directory', mode: 0o2750, uid: 5, gid: 6, mtime: 1_500_000_000 },
      { name: 'sent/caf\xe9', data: Buffer.from('latin'), mode: 0o644, mtime: 1_500_000_001 },
      {
        name: `sent/${'l'.repeat(120)}`,
        data: Buffer.from('long'),
        mode: 0o755,
        uid: 3_000_000,
        gid: 262_144,
        xattrs: { 'security.capability': capability },
      },
      { name: 'sent/nobody', data: Buffer.from('x'), mode: 0, uid: 1_000_000, gid: 1_000_000 },
      { name: 'sent/old', data: Buffer.from('x'), mtime: -86_400 },
    ]);
    expect(await send(running, '/tmp', sent)).toEqual([200, undefined]);
    const answer = await engine.client.open('GET', `/containers/${running}/archive?path=/tmp/sent`);
    const found = new Map<string, TarHeader>();
    const reader = new TarReader({ entry: (header) => found.set(header.name, header), data: () => undefined, entryEnd: () => undefined });
    for await (const chunk of answer) reader.write(chunk as Buffer);
    reader.end();
    expect([...found.keys()]).toEqual(['sent/', 'sent/caf\xe9', `sent/${'l'.repeat(120)}`, 'sent/nobody', 'sent/old']);
    expect(found.get('sent/')).toMatchObject({ mode: 0o2750, uid: 5, gid: 6, mtimeSeconds: 1_500_000_000 });
    const long = found.get(`sent/${'l'.repeat(120)}`);
    expect(long).toMatchObject({ mode: 0o755, uid: 3_000_000, gid: 262_144 });
    expect(long?.xattrs?.get('security.capability')).toEqual(capability);
    expect(found.get('sent/nobody')).toMatchObject({ mode: 0, uid: 1_000_000, gid: 1_000_000 });
    // dockerd knows no time before 1970.
    expect(found.get('sent/old')?.mtimeSeconds).toBe(ENGINE === 'gantry' ? -86_400 : 0);
  });

  it('tells what is no archive', async () => {
    expect(await send(running, '/tmp', Buffer.from('garbage'))).toEqual([500, expect.stringMatching(/unexpected EOF$/)]);
    expect(await send(running, '/tmp', Buffer.alloc(2048, 'x'))).toEqual([500, expect.stringMatching(/invalid tar header$/)]);
    expect(await send(running, '/tmp', (await file('cut')).subarray(0, 514))).toEqual([500, expect.stringMatching(/unexpected EOF$/)]);
  });

  it('respects read-only roots and volumes', async () => {
    const id = await create(engine.client, { Cmd: ['true'], HostConfig: { ReadonlyRootfs: true, Binds: ['files:/v:ro'] } });
    expect((await send(id, '/tmp', await file('x')))[1]).toBe('container rootfs is marked read-only');
    expect((await send(id, '/v', await file('x')))[1]).toBe('mounted volume is marked read-only');
  });
});
