import { describe, expect, it } from 'vitest';
import { portableBind, portableHost, withVolumeNames } from './portable.ts';

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

  it('are all volumes by their names, those without one and whatever lies beside them, too', () => {
    const volume = (Name: string, Destination: string, RW = true) => ({ Type: 'volume', Name, Destination, RW });
    const host = {
      Binds: ['named:/data2/', '/plain'],
      Mounts: [
        { Type: 'volume', Target: '/mounted' },
        { Type: 'volume', Source: 'own', Target: '/own' },
      ],
    };
    const shown = [
      volume('named', '/data2'),
      volume('anonymous', '/data'),
      volume('by-v', '/plain', false),
      volume('by-mount', '/mounted'),
      volume('own', '/own'),
      { Type: 'bind', Name: '', Destination: '/host', RW: true },
    ];
    expect(withVolumeNames(host, shown)).toEqual({
      Binds: ['named:/data2/', 'anonymous:/data', 'by-v:/plain:ro', 'by-mount:/mounted'],
      Mounts: [{ Type: 'volume', Source: 'own', Target: '/own' }],
    });
  });
});
