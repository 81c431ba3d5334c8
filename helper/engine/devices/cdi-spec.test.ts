import { describe, expect, it } from 'vitest';
import { parseCdiSpec } from './cdi-spec.ts';

const device = { name: 'one', containerEdits: { env: ['A=1'] } };
const spec = { cdiVersion: '0.3.0', kind: 'vendor.com/class', devices: [device] };
const parse = (changes: Record<string, unknown>) => parseCdiSpec(JSON.stringify({ ...spec, ...changes }));

describe('a CDI spec file', () => {
  it('is JSON, or YAML as NVIDIA’s tools write it', async () => {
    const yaml = `---
cdiVersion: 0.5.0
kind: nvidia.com/gpu
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-ctk
    args: [nvidia-ctk, hook, update-ldcache]
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
      hostPath: /dev/nvidia0
- name: all
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
`;
    expect(await parse({})).toEqual(spec);
    expect((await parseCdiSpec(yaml)).devices.map(({ name }) => name)).toEqual(['0', 'all']);
  });

  it.each<[string, Record<string, unknown>]>([
    ['invalid version "0.9.0"', { cdiVersion: '0.9.0' }],
    ['the spec version must be at least v0.7.0', { devices: [{ name: 'one', containerEdits: { additionalGids: [7] } }] }],
    ['the spec version must be at least v0.6.0', { annotations: { a: 'b' } }],
    ['the spec version must be at least v0.5.0', { devices: [{ ...device, name: '1' }] }],
    ['the spec version must be at least v0.4.0', { containerEdits: { mounts: [{ hostPath: '/a', containerPath: '/b', type: 'bind' }] } }],
    ['invalid kind "class"', { kind: 'class' }],
    ['no devices', { devices: [] }],
    ['two devices of one name', { devices: [device, device] }],
    ['empty device edits', { devices: [{ name: 'one', containerEdits: {} }] }],
    ['invalid device name "-x"', { devices: [{ ...device, name: '-x' }] }],
    ['invalid environment variable "=x"', { containerEdits: { env: ['=x'] } }],
    [
      'containerEdits.deviceNodes.0.permissions: invalid permissions "x"',
      { containerEdits: { deviceNodes: [{ path: '/a', permissions: 'x' }] } },
    ],
    ['containerEdits.intelRdt.closID: invalid ClosID', { containerEdits: { intelRdt: { closID: '../up' } } }],
    ['containerEdits.bogus', { containerEdits: { bogus: 1 } }],
  ])('is refused: %s', async (words, changes) => {
    await expect(parse(changes)).rejects.toThrow(words);
  });

  it('that is neither says where', async () => {
    await expect(parseCdiSpec('a: [')).rejects.toThrow(/failed to unmarshal CDI Spec: .*line 1/);
  });
});
