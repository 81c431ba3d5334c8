import path from 'node:path';
import { askTree } from '../../store/tree/ask.ts';
import type { Differences } from '../../store/tree/compare.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { withImageTree } from './rootfs-mount.ts';

export type Change = { Path: string; Kind: 0 | 1 | 2 };

/** What the runtime makes in every container before it starts, empty: not the container's doing. */
export const MADE_BY_RUNTIME: readonly string[] = [
  '/.dockerenv',
  '/dev',
  '/dev/console',
  '/dev/pts',
  '/dev/shm',
  '/dev/mqueue',
  '/proc',
  '/sys',
  '/sys/fs',
  '/sys/fs/cgroup',
  '/etc/hosts',
  '/etc/hostname',
  '/etc/resolv.conf',
  '/etc/mtab',
  '/sbin/docker-init',
];

/** GET /containers/{id}/changes: 0 changed, 1 added, 2 deleted. */
export async function changes(engine: Engine, reference: string): Promise<Change[]> {
  const { paths, kinds } = await differences(engine, engine.store.get(reference));
  return paths.map((name, at) => ({ Path: utf8(name), Kind: kinds[at] as Change['Kind'] }));
}

const utf8 = (name: string): string => Buffer.from(name, 'latin1').toString();

/** What the container's writable layer changes of its image, in bytes as latin1 strings. */
export function differences(engine: Engine, container: Container): Promise<Differences> {
  const upper = path.join(engine.store.folder(container.id), 'upper');
  return withImageTree(engine, container, (image) => askTree('compare', { upper, image, own: MADE_BY_RUNTIME }));
}
