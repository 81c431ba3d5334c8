/** Keys of daemon.json, each by what it does: those of networks are in network-keys, of TLS and sockets in listening. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { FakeRegistry } from './fake-registry.ts';
import { BASE, Client, checkTraces, eventually, helperBundle, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';
import { answering, end } from './process.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

let engine: TestEngine | undefined;
let registry: FakeRegistry | undefined;
afterEach(async () => {
  await engine?.stop();
  await registry?.stop();
  engine = undefined;
  registry = undefined;
});
const started = async (config: Record<string, unknown>, image = true): Promise<TestEngine> => {
  engine = await startEngine({ config, image });
  return engine;
};
const layer = (name: string): Buffer => tarOf([{ name, data: randomBytes(20_000) }]);

/** The engine, told where all is by its file alone. */
async function byFileAlone(config: Record<string, unknown>): Promise<{ child: ChildProcess; log(): string }> {
  const file = path.join(folder, 'daemon.json');
  writeFileSync(file, JSON.stringify({ hosts: [`unix://${folder}/engine.sock`], ...config }));
  const child = spawn(process.execPath, [await helperBundle(), '--config-file', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr?.on('data', (text) => (log += text));
  await answering(path.join(folder, 'engine.sock'), child, () => log);
  return { child, log: () => log };
}

describe.runIf(onGantry)('daemon.json', { timeout: 60_000 }, () => {
  it('data-root, exec-root, pidfile and hosts say where the engine is, log-level and debug what it tells', async () => {
    const at = (name: string): string => path.join(folder, name);
    const places = { 'data-root': at('data'), 'exec-root': at('run'), pidfile: at('pid') };
    const said: Record<string, string> = {};
    for (const [name, keys] of Object.entries({ quiet: { 'log-level': 'warn' }, usual: {}, debug: { debug: true } })) {
      const { child, log } = await byFileAlone({ ...places, ...keys });
      const client = new Client(at('engine.sock'), '');
      expect(Number(readFileSync(at('pid'), 'utf8'))).toBe(child.pid);
      expect((await client.get('/info')).json).toMatchObject({ DockerRootDir: at('data'), Debug: name === 'debug' });
      await client.get('/containers/none/json');
      expect([existsSync(at('data/containers')), existsSync(at('run/runtime'))]).toEqual([true, true]);
      await end(child, 'SIGTERM');
      said[name] = log();
      expect(existsSync(at('pid'))).toBe(false);
    }
    expect(said.quiet).not.toMatch(/ info /);
    expect(said.usual).toMatch(/ info .*the engine is ready/);
    expect(said.usual).not.toMatch(/ debug /);
    expect(said.debug).toMatch(/ debug /);
    await checkTraces(folder);
  });

  it('max-concurrent-uploads is how many layers are sent at once', async () => {
    registry = await FakeRegistry.start();
    const { docker } = await started({ 'max-concurrent-uploads': 2 });
    registry.add(
      'many:1',
      Array.from({ length: 6 }, (_, at) => layer(`l${at}`)),
    );
    await docker(['pull', '-q', `${registry.host}/many:1`]);
    await docker(['tag', `${registry.host}/many:1`, `${registry.host}/sent:1`]);
    registry.blobs.clear();
    let now = 0;
    let most = 0;
    registry.hook = async (request, response) => {
      if (request.method !== 'PATCH' && request.method !== 'PUT') return false;
      if (request.url?.includes('/manifests/')) return false;
      most = Math.max(most, ++now);
      response.once('close', () => now--);
      await new Promise((resolve) => setTimeout(resolve, 40));
      return false;
    };
    expect((await docker(['push', '-q', `${registry.host}/sent:1`])).code).toBe(0);
    expect(most).toBe(2);
    expect(registry.blobs.size).toBe(7);
  });

  it('max-download-attempts is how often a layer that never comes is asked for', async () => {
    registry = await FakeRegistry.start();
    const { docker } = await started({ 'max-download-attempts': 2 }, false);
    const { layers } = registry.add('never:1', [layer('a')]);
    const digest = layers[0]?.digest ?? '';
    registry.hook = (request, _, url) => {
      if (!url.pathname.endsWith(digest)) return false;
      request.socket.destroy();
      return true;
    };
    expect((await docker(['pull', '-q', `${registry.host}/never:1`])).code).toBe(1);
    expect(registry.count(new RegExp(digest))).toBe(2);
  });

  it('proxies: http-proxy is asked for what is not TLS, but not for what no-proxy names', async () => {
    const asked: string[] = [];
    const proxy = http.createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(404, { 'Content-Type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const insecure = ['plain.test', 'straight.test'];
    const { docker } = await started(
      { proxies: { 'http-proxy': address, 'no-proxy': 'straight.test' }, 'insecure-registries': insecure },
      false,
    );
    for (const host of insecure) await docker(['pull', '-q', `${host}/x:1`]);
    expect(asked.some((url) => url.startsWith('http://plain.test/v2/'))).toBe(true);
    expect(asked.filter((url) => url.includes('straight.test'))).toEqual([]);
    proxy.closeAllConnections();
    proxy.close();
  });

  it('default-runtime runs what names no other', async () => {
    const wrapper = path.join(folder, 'counting');
    writeFileSync(wrapper, `#!/bin/sh\ncase "$*" in *" create "*) echo run >>${folder}/calls;; esac\nexec crun "$@"\n`);
    chmodSync(wrapper, 0o755);
    const { docker } = await started({ runtimes: { counting: { path: wrapper } }, 'default-runtime': 'counting' });
    for (const args of [[], ['--runtime', 'crun']]) expect((await docker(['run', '--rm', ...args, BASE, 'true'])).code).toBe(0);
    expect(readFileSync(path.join(folder, 'calls'), 'utf8')).toBe('run\n');
  });

  it('log-driver and log-opts are those of containers that name none: nothing is kept, or so much', async () => {
    const none = await started({ 'log-driver': 'none' });
    await none.docker(['run', '--name', 'silent', BASE, 'echo', 'heard']);
    expect((await none.docker(['logs', 'silent'])).stderr).toContain('configured logging driver does not support reading');
    await none.docker(['run', '--name', 'kept', '--log-driver', 'local', BASE, 'echo', 'heard']);
    expect((await none.docker(['logs', 'kept'])).stdout).toBe('heard\n');
    await none.stop();
    engine = undefined;

    const { client, folder: place } = await started({ 'log-opts': { 'max-size': '200k', 'max-file': '2' } });
    // Steadily: what comes at once is in one file.
    const script = 'for at in $(seq 100); do echo "part $at"; yes 0123456789 | head -n 500; sleep 0.03; done; sleep 1000';
    const id = await launch(client, { Cmd: ['sh', '-c', script], Tty: true });
    const home = path.join(place, 'data/containers', id);
    const sizes = (): number[] => {
      const logs = readdirSync(home).filter((name) => /^container\.log(\.\d+)?$/.test(name));
      return logs.map((name) => statSync(path.join(home, name), { throwIfNoEntry: false })?.size ?? 0);
    };
    const text = async (): Promise<string> => (await client.get(`/containers/${id}/logs?stdout=1`)).text;
    await eventually('it has written all', async () => (await text()).includes('part 100'));
    expect(await text()).not.toContain('part 10\r');
    expect(sizes()).toHaveLength(2);
    // All of it is 2 MB.
    expect(sizes().reduce((sum, size) => sum + size)).toBeLessThan(1_000_000);
  });

  it('dns-search is what names are completed with', async () => {
    const { docker } = await started({ 'dns-search': ['one.test', 'two.test'] });
    expect((await docker(['run', '--rm', BASE, 'cat', '/etc/resolv.conf'])).stdout).toMatch(/^search one\.test two\.test$/m);
    expect((await docker(['run', '--rm', '--dns-search', 'own.test', BASE, 'cat', '/etc/resolv.conf'])).stdout).toMatch(
      /^search own\.test$/m,
    );
  });

  it('statistics: false keeps none', async () => {
    const { client, folder: place } = await started({ statistics: false });
    const id = await launch(client, { Cmd: ['sleep', '1000'] });
    expect((await client.get('/gantry/v1')).json.Statistics).toMatchObject({ Enabled: false });
    const { status, json } = await client.get(`/gantry/v1/containers/${id}/statistics`);
    expect([status, json.Times ?? []]).toEqual([expect.any(Number), []]);
    expect(readdirSync(path.join(place, 'data/containers', id))).not.toContain('statistics');
  });

  it('bin: what plain removals take goes there, and no more than there is room for', async () => {
    const { docker, client } = await started({ bin: { containers: true, volumes: true, 'max-size': '1M' } });
    const kinds = async (): Promise<string[]> => (await client.get('/gantry/v1/bin')).json.map(({ Kind }: { Kind: string }) => Kind).sort();
    await docker(['volume', 'create', 'kept']);
    await docker(['run', '--name', 'kept', BASE, 'true']);
    await docker(['rm', 'kept']);
    await docker(['volume', 'rm', 'kept']);
    expect(await kinds()).toEqual(['container', 'volume']);
    await docker(['run', '--name', 'large', BASE, 'dd', 'if=/dev/zero', 'of=/large', 'bs=1M', 'count=3']);
    await docker(['rm', 'large']);
    const names = (await client.get('/gantry/v1/bin')).json.map(({ Name }: { Name: string }) => Name);
    expect(names).not.toContain('large');
    await client.delete('/gantry/v1/bin');
  });

  it('default-shm-size, init and default-ulimits give way to what a container asks for', async () => {
    const { client } = await started({
      'default-shm-size': '8m',
      init: true,
      'default-ulimits': { nofile: { Name: 'nofile', Soft: 90, Hard: 99 } },
    });
    const script = 'df -k /dev/shm | tail -1; ulimit -n; cat /proc/1/comm; true';
    const run = async (HostConfig: object): Promise<string> => {
      const id = await launch(client, { Cmd: ['sh', '-c', script], Tty: true, HostConfig });
      await waitFor(client, id);
      return (await client.get(`/containers/${id}/logs?stdout=1`)).text.replaceAll('\r\n', '\n');
    };
    expect(await run({})).toMatch(/shm\s+8192 [\s\S]*\n90\n(?!sh\n)/);
    const own = { ShmSize: 4 * 2 ** 20, Init: false, Ulimits: [{ Name: 'nofile', Soft: 50, Hard: 50 }] };
    expect(await run(own)).toMatch(/shm\s+4096 [\s\S]*\n50\nsh\n/);
  });

  it('what SIGHUP takes over is in force for what comes next', async () => {
    registry = await FakeRegistry.start();
    const { client, docker, folder: place, signal, quit, start } = await started({});
    const shown = async (script: string): Promise<string> => (await docker(['run', '--rm', BASE, 'sh', '-c', script])).stdout;
    const script = 'df -k /dev/shm | tail -1; readlink /proc/self/ns/cgroup';
    const own = readlinkSync('/proc/self/ns/cgroup');
    const before = await shown(script);
    expect(before).toMatch(/\s65536 /);
    const keys = {
      ...{ 'registry-mirrors': [registry.url], 'default-shm-size': '16m', 'default-ipc-mode': 'shareable', 'live-restore': false },
      'default-cgroupns-mode': before.includes(own) ? 'private' : 'host',
    };
    writeFileSync(path.join(place, 'daemon.json'), JSON.stringify(keys));
    signal('SIGHUP');
    await eventually('it is in force', async () => (await client.get('/info')).json.LiveRestoreEnabled === false);
    const after = await shown(script);
    expect(after).toMatch(/\s16384 /);
    expect(after.includes(own)).toBe(!before.includes(own));
    const id = await launch(client, { Cmd: ['sleep', '1000'], StopSignal: 'KILL' });
    expect((await client.get(`/containers/${id}/json`)).json.HostConfig.IpcMode).toBe('shareable');
    registry.add('library/mirrored:1', [layer('a')]);
    expect((await docker(['pull', '-q', 'mirrored:1'])).stdout).toBe('docker.io/library/mirrored:1\n');
    const { Pid } = (await client.get(`/containers/${id}/json`)).json.State;
    await quit();
    expect(existsSync(`/proc/${Pid}`)).toBe(false);
    await start();
  });
});
