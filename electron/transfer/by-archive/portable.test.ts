import { describe, expect, it } from 'vitest';
import { portableBind, portableHost } from './portable.ts';

describe('what travels of a HostConfig', () => {
  it('is what means the same to every engine', () => {
    expect(
      portableHost({
        Memory: 64,
        CpuShares: 0,
        Runtime: 'crun',
        IpcMode: 'private',
        PidMode: 'private',
        NetworkMode: 'shop',
        CapAdd: [],
        Dns: null,
      }),
    ).toEqual({ Memory: 64, NetworkMode: 'shop' });
    expect(portableHost({ NetworkMode: 'container:abc', CgroupParent: '/x', Binds: ['a:/a'] })).toEqual({ Binds: ['a:/a'] });
  });

  it('is no default of Podman', () => {
    const Ulimits = [
      { Name: 'RLIMIT_NOFILE', Soft: 1048576, Hard: 1048576 },
      { Name: 'RLIMIT_CORE', Soft: 0, Hard: 10 },
      { Name: 'nofile', Soft: 10, Hard: 10 },
    ];
    expect(portableHost({ Ulimits }).Ulimits).toEqual([
      { Name: 'core', Soft: 0, Hard: 10 },
      { Name: 'nofile', Soft: 10, Hard: 10 },
    ]);
  });

  it('binds have no words but those that Docker takes', () => {
    expect(portableBind('named:/x:rw,rprivate,nosuid,nodev,rbind')).toBe('named:/x');
    expect(portableBind('/srv:/x:ro,rslave,rbind')).toBe('/srv:/x:ro,rslave');
    expect(portableBind('named:/x:ro,nocopy')).toBe('named:/x:ro,nocopy');
    expect(portableBind('/x')).toBe('/x');
  });
});
