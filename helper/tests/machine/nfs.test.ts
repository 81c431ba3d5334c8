import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, startEngine, type TestEngine } from '../harness.ts';

const EXPORTS = '/etc/exports.d/gantry-test.exports';

/** Volumes on a server, here the machine's own. */
describe('an NFS volume', () => {
  let engine: TestEngine;
  let shared: string;
  beforeAll(async () => {
    shared = mkdtempSync(path.join(os.tmpdir(), 'gantry-nfs-'));
    chmodSync(shared, 0o755);
    mkdirSync(path.dirname(EXPORTS), { recursive: true });
    writeFileSync(EXPORTS, `${shared} 127.0.0.1(rw,fsid=0,no_root_squash,no_subtree_check)\n`);
    execFileSync('systemctl', ['start', 'nfs-server']);
    engine = await startEngine();
  });
  afterAll(async () => {
    try {
      await engine?.stop();
    } finally {
      rmSync(EXPORTS, { force: true });
      execFileSync('systemctl', ['stop', 'nfs-server']);
      rmSync(shared, { recursive: true, force: true });
    }
  });

  const volume = (name: string, device: string, options: string) =>
    engine.docker(['volume', 'create', '-o', 'type=nfs', '-o', `o=${options}`, '-o', `device=${device}`, name]);
  const write = (name: string) => engine.docker(['run', '--rm', '-v', `${name}:/data`, BASE, 'sh', '-c', 'echo from within >/data/file']);

  it('in the form of the documentation is mounted while a container uses it', async () => {
    expect((await volume('share', ':/', 'addr=127.0.0.1,rw,nfsvers=4')).code).toBe(0);
    expect(await write('share')).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(path.join(shared, 'file'), 'utf8')).toBe('from within\n');
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(' nfs4 ');
    expect((await engine.docker(['volume', 'rm', 'share'])).code).toBe(0);
    expect(existsSync(path.join(shared, 'file'))).toBe(true);
  });

  it('is mounted once for all that use it, also after the engine was killed, and goes with the last', async () => {
    const mounted = () => readFileSync('/proc/self/mountinfo', 'utf8').split(' nfs4 ').length - 1;
    await volume('held', ':/', 'addr=127.0.0.1,rw,nfsvers=4');
    expect(mounted()).toBe(0);
    const run = (name: string) => engine.docker(['run', '-d', '--name', name, '-v', 'held:/data', BASE, 'sleep', '1000']);
    expect((await run('first')).code).toBe(0);
    await engine.crash();
    await engine.start();
    expect((await run('second')).code).toBe(0);
    writeFileSync(path.join(shared, 'seen'), 'by both\n');
    for (const name of ['first', 'second']) expect((await engine.docker(['exec', name, 'cat', '/data/seen'])).stdout).toBe('by both\n');
    expect(mounted()).toBe(1);
    expect((await engine.docker(['rm', '-f', 'first'])).code).toBe(0);
    expect(mounted()).toBe(1);
    expect((await engine.docker(['rm', '-f', 'second'])).code).toBe(0);
    expect(mounted()).toBe(0);
    expect((await engine.docker(['volume', 'rm', 'held'])).code).toBe(0);
  });

  it.each([
    ['of a folder that the server has not', ':/missing', 'addr=127.0.0.1,nfsvers=4', 'no such file or directory'],
    ['of a server that does not answer', ':/', 'addr=127.0.0.1,nfsvers=4,port=9,retry=0', 'connection refused'],
  ])('%s is refused in words', async (_, device, options, words) => {
    await volume('broken', device, options);
    const { code, stderr } = await write('broken');
    expect(stderr).toContain('failed to mount local volume: mount ');
    expect(stderr).toContain(words);
    expect(code).not.toBe(0);
    expect((await engine.docker(['volume', 'rm', 'broken'])).code).toBe(0);
  });
});
