import { describe, expect, it } from 'vitest';
import { createLines, createRequest, emptyVolume, problemsOf, type VolumeSpec } from './spec.ts';

const spec = (some: Partial<VolumeSpec>): VolumeSpec => ({ ...emptyVolume, ...some });

describe('a volume to create', () => {
  it('needs nothing: the engine names it', () => {
    expect(createRequest(emptyVolume)).toEqual({ Driver: 'local' });
    expect(createLines(emptyVolume)).toEqual(['docker volume create']);
    expect(problemsOf(emptyVolume, [])).toEqual({});
  });

  it('in memory, as a folder of the host, on an NFS server', () => {
    expect(createRequest(spec({ name: 'scratch', kind: 'tmpfs', size: '64m', mountOptions: 'mode=1770' }))).toEqual({
      Name: 'scratch',
      Driver: 'local',
      DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=64m,mode=1770' },
    });
    expect(createRequest(spec({ kind: 'tmpfs' })).DriverOpts).toEqual({ type: 'tmpfs', device: 'tmpfs' });
    expect(createRequest(spec({ kind: 'folder', folder: '/srv/my data' })).DriverOpts).toEqual({
      type: 'none',
      device: '/srv/my data',
      o: 'bind',
    });
    expect(createLines(spec({ name: 'media', kind: 'nfs', server: '10.0.0.7', path: '/export/media', mountOptions: 'nfsvers=4' }))).toEqual(
      ['docker volume create', '--opt type=nfs', '--opt device=:/export/media', '--opt o=addr=10.0.0.7,nfsvers=4', 'media'],
    );
  });

  it('by another driver, with labels; what a word of the shell is not is quoted', () => {
    const made = spec({
      kind: 'other',
      driver: 'rclone',
      options: [
        { name: 'remote', value: 'a b' },
        { name: '', value: '' },
      ],
      labels: [
        { name: 'tier', value: 'web' },
        { name: 'keep', value: '' },
      ],
    });
    expect(createRequest(made)).toEqual({ Driver: 'rclone', DriverOpts: { remote: 'a b' }, Labels: { tier: 'web', keep: '' } });
    expect(createLines(made)).toEqual([
      'docker volume create',
      '--driver rclone',
      "--opt 'remote=a b'",
      '--label tier=web',
      '--label keep',
    ]);
  });

  it('says what is wrong at the field, of the fields that count', () => {
    expect(problemsOf(spec({ name: '-' }), [])).toEqual({ name: 'nameInvalid' });
    expect(problemsOf(spec({ name: 'db' }), ['db'])).toEqual({ name: 'nameTaken' });
    expect(problemsOf(spec({ kind: 'nfs', path: 'x' }), [])).toEqual({ server: 'serverMissing', path: 'pathInvalid' });
    expect(problemsOf(spec({ kind: 'tmpfs', size: 'much' }), [])).toEqual({ size: 'sizeInvalid' });
    expect(problemsOf(spec({ kind: 'folder' }), [])).toEqual({ folder: 'folderMissing' });
    expect(problemsOf(spec({ kind: 'plain', size: 'much', driver: '' }), [])).toEqual({});
    expect(problemsOf(spec({ labels: [{ name: '', value: 'x' }] }), [])).toEqual({ 'labels.0': 'pairMissing' });
  });
});
