import type { MountPoint } from '../../contract/docker/index.ts';
import type { MountRecord } from './mount-parse.ts';

/** `Mounts` of inspect and of list entries. */
export function mountPoints(mounts: readonly MountRecord[]): MountPoint[] {
  return [...mounts]
    .sort((a, b) => a.destination.split('/').length - b.destination.split('/').length)
    .map((mount) => ({
      Type: mount.type,
      ...(mount.name ? { Name: mount.name } : {}),
      Source: mount.source,
      Destination: mount.destination,
      ...(mount.type === 'volume' ? { Driver: mount.driver ?? 'local' } : {}),
      Mode: mount.mode,
      RW: mount.rw,
      Propagation: mount.propagation,
    }));
}
