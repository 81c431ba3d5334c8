import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { DeviceRequest } from '../../contract/docker/index.ts';
import type { EngineContext } from '../context.ts';
import { Devices } from './devices.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-devices-'));
const [low, high] = [path.join(folder, 'low'), path.join(folder, 'high')];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const engine = (cdiSpecDirs: string[] | undefined, programs: string[] = []) =>
  new Devices({ config: { cdiSpecDirs } as EngineContext['config'] }, (name) => (programs.includes(name) ? `/bin/${name}` : undefined));
const write = (file: string, devices: Record<string, unknown>) =>
  writeFileSync(
    file,
    JSON.stringify({
      ...{ cdiVersion: '0.7.0', kind: 'x.y/z', containerEdits: { env: ['ALL=1'] } },
      devices: Object.entries(devices).map(([name, containerEdits]) => ({ name, containerEdits })),
    }),
  );
const gpus = (request: DeviceRequest): DeviceRequest => ({ Capabilities: [['gpu']], ...request });

describe('CDI devices', () => {
  it('come from the folder that is last, from none when one folder has two, and are read again when they change', async () => {
    mkdirSync(low);
    mkdirSync(high);
    write(path.join(low, 'a.json'), { one: { env: ['ONE=low'] }, two: { env: ['TWO=low'] }, three: { env: ['THREE=low'] } });
    write(path.join(low, 'b.json'), { two: { env: ['TWO=b'] } });
    write(path.join(high, 'a.yaml'), { one: { env: ['ONE=high'] } });
    writeFileSync(path.join(high, 'bad.json'), 'x: [');
    writeFileSync(path.join(high, 'other.txt'), 'x: [');
    const devices = engine([low, high, path.join(folder, 'missing')]);
    const found = await devices.discovered();
    expect(found.devices).toEqual([
      { Source: 'cdi', ID: 'x.y/z=one' },
      { Source: 'cdi', ID: 'x.y/z=three' },
    ]);
    expect(found.warnings).toHaveLength(3);
    expect(found.warnings.join('\n')).toMatch(/spec file \S+bad.json: failed to load CDI Spec/);
    expect(found.warnings.join('\n')).toContain('conflicting device "x.y/z=two"');
    const names = ['x.y/z=one', 'x.y/z=three'];
    expect((await devices.edits([{ Driver: 'cdi', DeviceIDs: names }])).env).toEqual(['ALL=1', 'ONE=high', 'ALL=1', 'THREE=low']);
    write(path.join(high, 'a.yaml'), { one: { env: ['ONE=changed'] } });
    expect((await devices.edits([{ Driver: 'cdi', DeviceIDs: ['x.y/z=one'] }])).env).toEqual(['ALL=1', 'ONE=changed']);
  });

  it('that can’t be given are refused in dockerd’s words', async () => {
    const refused = (devices: Devices, request: DeviceRequest) => expect(devices.edits([{ Driver: 'cdi', ...request }])).rejects;
    await refused(engine([low]), { DeviceIDs: ['x.y/z=no', 'x.y/z=one', 'y'] }).toThrow(
      'CDI device injection failed: unresolvable CDI devices x.y/z=no, y',
    );
    await refused(engine([low]), { Count: 1 }).toThrow('unexpected count in CDI device request');
    await refused(engine([low]), { Options: { a: 'b' } }).toThrow('unexpected options in CDI device request');
    await refused(engine([]), { DeviceIDs: ['y'] }).toThrow('CDI device injection failed: no CDI specification directories specified');
    await refused(engine(undefined), { DeviceIDs: ['y'] }).toThrow('could not select device driver "cdi" with capabilities: []');
  });

  it('have of the host’s nodes what their file does not say', async () => {
    const file = path.join(high, 'nodes.json');
    const edits = {
      deviceNodes: [
        { path: '/dev/x', hostPath: '/dev/null', permissions: 'r' },
        { path: '/dev/y', type: 'b', major: 7 },
      ],
    };
    write(file, { node: edits, bad: { deviceNodes: [{ path: '/dev/null', type: 'b' }] }, none: { deviceNodes: [{ path: '/etc' }] } });
    const devices = engine([high]);
    const edit = (name: string) => devices.edits([{ Driver: 'cdi', DeviceIDs: [`x.y/z=${name}`] }]);
    expect(await edit('node')).toMatchObject({
      nodes: [
        { type: 'c', path: '/dev/x', major: 1, minor: 3 },
        { type: 'b', path: '/dev/y', major: 7, minor: 0 },
      ],
      rules: [
        { type: 'c', major: 1, minor: 3, access: 'r' },
        { type: 'b', major: 7, minor: 0, access: 'rwm' },
      ],
    });
    await expect(edit('bad')).rejects.toThrow('CDI device ("/dev/null", "/dev/null"), host type mismatch (b, c)');
    await expect(edit('none')).rejects.toThrow('failed to stat CDI host device "/etc": not a device node');
  });
});

describe('GPUs', () => {
  it('are NVIDIA’s hook’s where it is installed', async () => {
    const nvidia = engine(undefined, ['nvidia-container-runtime-hook', 'amd-container-runtime']);
    const edits = async (request: DeviceRequest) => (await nvidia.edits([gpus(request)])).env;
    expect(await edits({ Count: -1 })).toEqual(['NVIDIA_VISIBLE_DEVICES=all']);
    expect(await edits({ Count: 2 })).toEqual(['NVIDIA_VISIBLE_DEVICES=0,1']);
    expect(await edits({})).toEqual(['NVIDIA_VISIBLE_DEVICES=void']);
    expect(await edits({ Driver: 'nvidia', DeviceIDs: ['a', 'b'], Capabilities: [['tpu'], ['gpu', 'utility', 'compute']] })).toEqual([
      'NVIDIA_VISIBLE_DEVICES=a,b',
      'NVIDIA_DRIVER_CAPABILITIES=utility,compute',
    ]);
    const { hooks } = await nvidia.edits([gpus({ Count: -1 })]);
    expect(hooks).toMatchObject([
      { name: 'prestart', hook: { path: '/bin/nvidia-container-runtime-hook', args: ['nvidia-container-runtime-hook', 'prestart'] } },
    ]);
    await expect(edits({ Count: 1, DeviceIDs: ['a'] })).rejects.toThrow('cannot set both Count and DeviceIDs on device request');
    await expect(edits({ Count: 2 ** 40 })).rejects.toThrow('4096 at most');
  });

  it('are AMD’s runtime’s where only that is', async () => {
    const amd = engine(undefined, ['amd-container-runtime']);
    expect(await amd.edits([gpus({ Count: 1 })])).toMatchObject({ env: ['AMD_VISIBLE_DEVICES=0'], hooks: [] });
    await expect(amd.edits([gpus({ Driver: 'nvidia' })])).rejects.toThrow(
      'could not select device driver "nvidia" with capabilities: [[gpu]]',
    );
  });

  it('are refused where there is neither', async () => {
    await expect(engine([]).edits([gpus({ Count: -1 })])).rejects.toThrow('could not select device driver "" with capabilities: [[gpu]]');
    await expect(engine([]).edits([{ Capabilities: [[]] }])).rejects.toThrow('could not select device driver "" with capabilities: [[]]');
  });
});
