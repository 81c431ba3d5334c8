import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, eventually, onGantry, startEngine, type TestEngine } from './harness.ts';

/** `--device vendor/class=name` and `--gpus`, with a CDI file and a hook of the test's own. */
describe.runIf(onGantry)('devices by name', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-cdi-'));
  const at = (name: string) => path.join(folder, name);
  const program = (file: string, body: string) => writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  let engine: TestEngine;
  beforeAll(async () => {
    for (const name of ['cdi', 'bin']) mkdirSync(at(name));
    writeFileSync(at('library'), 'of the host\n');
    program(at('hook'), `echo "$1 $WHAT" >> ${at('hooks')}`);
    program(at('bin/nvidia-container-runtime-hook'), `cat > /dev/null; echo "$1" >> ${at('nvidia')}`);
    const hook = (hookName: string) => ({ hookName, path: at('hook'), args: ['hook', hookName], env: ['WHAT=cdi'] });
    const spec = {
      cdiVersion: '0.7.0',
      kind: 'gantry.test/device',
      containerEdits: { env: ['SHARED=1', 'PLACE=cdi'], additionalGids: [4711] },
      devices: [
        {
          name: 'full',
          containerEdits: {
            deviceNodes: [{ path: '/dev/cdi/null', hostPath: '/dev/null' }],
            mounts: [{ hostPath: at('library'), containerPath: '/usr/lib/cdi/library', options: ['ro', 'bind'] }],
            hooks: ['createRuntime', 'poststart', 'poststop'].map(hook),
          },
        },
        { name: 'failing', containerEdits: { hooks: [{ hookName: 'createRuntime', path: '/bin/false' }] } },
      ],
    };
    writeFileSync(at('cdi/gantry.yaml'), `# JSON is YAML\n${JSON.stringify(spec)}`);
    const env = { PATH: `${at('bin')}:${process.env.PATH}` };
    engine = await startEngine({ env, config: { 'cdi-spec-dirs': [at('cdi')] } });
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('are told of by info', async () => {
    const info = (await engine.at('1.50').get('/info')).json;
    expect(info.CDISpecDirs).toEqual([at('cdi')]);
    expect(info.DiscoveredDevices).toEqual([
      { Source: 'cdi', ID: 'gantry.test/device=failing' },
      { Source: 'cdi', ID: 'gantry.test/device=full' },
    ]);
  });

  it('give a container their variables, nodes, mounts, groups and hooks', async () => {
    const look = 'echo $SHARED $PLACE; cat /usr/lib/cdi/library; echo x > /dev/cdi/null && test -c /dev/cdi/null && id -G';
    const args = ['--device', 'gantry.test/device=full', '-e', 'PLACE=user', '-u', '1000:1000'];
    const done = await engine.docker(['run', '--rm', ...args, BASE, 'sh', '-c', look]);
    expect(done).toMatchObject({ stderr: '', stdout: '1 cdi\nof the host\n1000 4711\n', code: 0 });
    await eventually('the last hook has run', () => existsSync(at('hooks')) && readFileSync(at('hooks'), 'utf8').includes('poststop'));
    expect(readFileSync(at('hooks'), 'utf8')).toBe('createRuntime cdi\npoststart cdi\npoststop cdi\n');
  });

  it('that are not there, or whose hook fails, keep a container from starting', async () => {
    const missing = await engine.docker(['run', '--name', 'without', '--device', 'gantry.test/device=none', BASE]);
    expect(missing.code).toBe(125);
    expect(missing.stderr).toContain('CDI device injection failed: unresolvable CDI devices gantry.test/device=none');
    expect((await engine.client.post('/containers/without/start')).status).toBe(500);
    expect((await engine.client.get('/containers/without/json')).json.State).toMatchObject({ Status: 'created', ExitCode: 128 });
    const failing = await engine.docker(['run', '--rm', '--device', 'gantry.test/device=failing', BASE]);
    expect(failing.code).toBe(125);
    expect(failing.stderr).toMatch(/hook/);
  });

  it('of NVIDIA are asked of its hook', async () => {
    const done = await engine.docker(['run', '--rm', '--gpus', 'all,capabilities=utility', BASE, 'env']);
    expect(done.stdout).toContain('NVIDIA_VISIBLE_DEVICES=all\nNVIDIA_DRIVER_CAPABILITIES=utility');
    expect(readFileSync(at('nvidia'), 'utf8')).toBe('prestart\n');
  });
});
