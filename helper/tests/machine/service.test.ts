import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, baseImageArchive } from '../base-image.ts';
import { Client, eventually, helperBundle, onGantry } from '../harness.ts';
import { run } from '../process.ts';

const UNITS = '/run/systemd/system';
const SERVICE = 'gantry-test.service';
const SOCKET = 'gantry-test.socket';

/** The shipped units under another name, with folders of the test's own: needs a host that systemd runs (npm run test:vm). */
describe.runIf(onGantry && existsSync(UNITS))('the systemd service', { timeout: 240_000 }, () => {
  let folder: string;
  let client: Client;
  const systemctl = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('systemctl', args);
    if (code !== 0)
      throw new Error(`systemctl ${args.join(' ')}: ${stderr}\n${(await run('journalctl', ['-u', SERVICE, '-n', '30'])).stdout}`);
    return stdout.trim();
  };
  const property = (name: string) => systemctl('show', '--value', '-p', name, SERVICE);

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-service-'));
    const socket = path.join(folder, 'api.sock');
    client = new Client(socket, '');
    const units = path.join(import.meta.dirname, '../../../assets/systemd');
    const bundle = await helperBundle();
    writeFileSync(
      path.join(UNITS, SERVICE),
      readFileSync(path.join(units, 'gantry.service'), 'utf8')
        .replaceAll('gantry.socket', SOCKET)
        .replace(/^ExecStart=.*$/m, `ExecStart=${process.execPath} ${bundle} --host fd:// --data ${folder}/data --run ${folder}/run`)
        .replace(/^(State|Runtime|Configuration)Directory.*\n/gm, ''),
    );
    writeFileSync(
      path.join(UNITS, SOCKET),
      readFileSync(path.join(units, 'gantry.socket'), 'utf8')
        .replace(/^ListenStream=.*$/m, `ListenStream=${socket}`)
        .replace('SocketGroup=gantry', 'SocketGroup=daemon'),
    );
    await systemctl('daemon-reload');
    await systemctl('start', SOCKET);
  }, 240_000);

  afterAll(async () => {
    const list = (await client.get('/containers/json?all=1')).json as { Id: string }[];
    await Promise.all(list.map(({ Id }) => client.delete(`/containers/${Id}?force=1&v=1`)));
    await systemctl('stop', SERVICE, SOCKET);
    for (const unit of [SERVICE, SOCKET]) rmSync(path.join(UNITS, unit));
    await systemctl('daemon-reload');
    rmSync(folder, { recursive: true, force: true });
  }, 240_000);

  it('starts when somebody asks, and says when it is ready', async () => {
    expect(statSync(client.socketPath).mode & 0o777).toBe(0o660);
    expect(await property('ActiveState')).toBe('inactive');
    expect((await client.get('/_ping')).text).toBe('OK');
    expect(await eventually('it is active', async () => (await property('ActiveState')) === 'active')).toBe(true);
  });

  it('runs containers that outlive its restart and its stop', async () => {
    await client.ask('POST', '/images/load', { body: await baseImageArchive(), headers: { 'Content-Type': 'application/x-tar' } });
    const { Id } = (await client.post('/containers/create', { Image: BASE, Cmd: ['sleep', '1000'], HostConfig: { Memory: 67_108_864 } }))
      .json;
    expect((await client.post(`/containers/${Id}/start`)).status).toBe(204);
    const { Pid } = (await client.get(`/containers/${Id}/json`)).json.State;
    await systemctl('restart', SERVICE);
    expect((await client.get(`/containers/${Id}/json`)).json.State).toMatchObject({ Running: true, Pid });
    await systemctl('stop', SERVICE);
    process.kill(Pid, 0);
    // The socket still listens: the next request starts the engine.
    expect((await client.get(`/containers/${Id}/json`)).json.State).toMatchObject({ Running: true, Pid });
    expect((await client.post(`/containers/${Id}/stop?t=0`)).status).toBe(204);
  });

  it('reloads', async () => {
    await systemctl('reload', SERVICE);
    await eventually('it says so', async () => (await run('journalctl', ['-u', SERVICE])).stdout.includes('Reloaded configuration'));
    expect(await property('ActiveState')).toBe('active');
  });

  it('writes to the journal with priorities', async () => {
    const { stdout } = await run('journalctl', ['-u', SERVICE, '-p', 'info', '-o', 'json', '--output-fields=PRIORITY,MESSAGE']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { PRIORITY: string; MESSAGE: string });
    expect(lines).toContainEqual(expect.objectContaining({ PRIORITY: '6', MESSAGE: expect.stringMatching(/^info the engine is ready/) }));
  });

  it('with the stricter drop-in runs what is not privileged, and no container has what it takes away', async () => {
    const units = path.join(import.meta.dirname, '../../../assets/systemd');
    const dropIn = path.join(UNITS, `${SERVICE}.d`);
    mkdirSync(dropIn);
    try {
      copyFileSync(path.join(units, 'strict.conf'), path.join(dropIn, 'strict.conf'));
      await systemctl('daemon-reload');
      await systemctl('restart', SERVICE);
      const docker = async (...args: string[]): Promise<string> => {
        const { code, stdout, stderr } = await run('docker', ['-H', `unix://${client.socketPath}`, ...args]);
        if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
        return stdout.trim();
      };
      expect(await docker('run', '--rm', '-p', '7001:80', '-m', '64m', BASE, 'ping', '-c', '1', '127.0.0.1')).toContain(
        '1 packets received',
      );
      expect(await docker('run', '--rm', '-t', '--device', '/dev/vda', BASE, 'sh', '-c', 'tty; test -b /dev/vda && echo there')).toMatch(
        /\/dev\/pts\/0\s+there/,
      );
      await docker('run', '-d', '--name', 'strict', '--privileged', BASE, 'sleep', '1000');
      expect(await docker('exec', 'strict', 'echo', 'within')).toBe('within');
      const bounding = BigInt(`0x${await docker('exec', 'strict', 'sed', '-n', 's/^CapBnd:\t//p', '/proc/self/status')}`);
      for (const [name, bit] of Object.entries({ SYS_MODULE: 16n, SYS_RAWIO: 17n, SYS_BOOT: 22n, SYS_TIME: 25n }))
        expect(`${name} ${(bounding >> bit) & 1n}`).toBe(`${name} 0`);
      // CAP_SYS_ADMIN is what containers are made with.
      expect((bounding >> 21n) & 1n).toBe(1n);
      // busybox's own exit code is 0 all the same.
      const setting = await run('docker', ['-H', `unix://${client.socketPath}`, 'exec', 'strict', 'date', '-s', '2000-01-01']);
      expect(setting.stderr).toContain("can't set date");
      await docker('rm', '-f', 'strict');
    } finally {
      rmSync(dropIn, { recursive: true });
      await systemctl('daemon-reload');
    }
  });
});
