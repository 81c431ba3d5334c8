import type { HostConfig } from '../../contract/docker/index.ts';
import { hasProjectQuotas, limitFolders } from '../../system/quota/index.ts';
import { parseBytes } from '../bytes.ts';
import { Failure, messageOf } from '../failure.ts';
import type { Engine } from './engine.ts';

/**
 * Holds a new container's writable layer, which are `folders`, to the size that `--storage-opt` or the configuration's `overlay2.size`
 * says. 0 is no limit.
 * @throws Failure system with overlay2's texts, where the data's file system has no project quotas, too
 */
export function limitStorage({ context }: Engine, { StorageOpt }: HostConfig, folders: readonly string[]): void {
  let size = context.config.storageSize;
  const options = Object.entries(StorageOpt ?? {});
  if (options.length && !hasProjectQuotas(context.paths.data)) {
    throw refused("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  }
  for (const [key, value] of options) {
    if (key.toLowerCase() !== 'size') throw refused(`Unknown option ${key}`);
    size = parseBytes(value);
    if (size === undefined) throw refused(`invalid size: '${value}'`);
  }
  if (!size) return;
  try {
    limitFolders(folders, size);
  } catch (error) {
    throw refused(`can't limit the container's storage: ${messageOf(error)}`);
  }
}

const refused = (text: string): Failure => new Failure('system', text);
