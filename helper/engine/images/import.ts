import type { Readable } from 'node:stream';
import type { ProgressMessage } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import { applyChanges } from './changes/apply.ts';
import { store, takeIn } from './create.ts';
import { hostPlatform, parsePlatform } from './manifest.ts';
import type { Parts } from './parts.ts';
import { imageEvent } from './parts.ts';
import { streamProgress } from './progress.ts';
import { parseRepositoryTag } from './references.ts';
import type { Orphans } from './sweep.ts';
import { sweep } from './sweep.ts';

export interface ImportOptions {
  repository?: string;
  tag?: string;
  message?: string;
  changes: string[];
  platform?: string;
  /** Set when the engine fetches the archive itself: its client then sees how that goes. `totalBytes` 0: not known. */
  download?: { url: string; totalBytes: number };
}

/** POST /images/create?fromSrc=-: a root file system as an image of one layer. */
export async function importImage(
  parts: Parts,
  orphans: Orphans,
  archive: Readable,
  options: ImportOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<ProgressMessage>> {
  const name = options.repository ? parseRepositoryTag(options.repository, options.tag ?? '') : undefined;
  const platform = options.platform ? parsePlatform(options.platform) : hostPlatform();
  if (platform.os !== 'linux') throw new Failure('invalidParameter', 'operating system is not supported');
  const config = applyChanges({}, options.changes);
  return streamProgress(signal, async (emit, inner) => {
    const lease = parts.leases.take();
    try {
      const { download } = options;
      if (download) emit({ status: `Downloading from ${download.url}` });
      const progress = download && ((current: number) => emit.count('', 'Importing', current, download.totalBytes));
      const layer = await takeIn(parts, lease, archive, inner, progress);
      const created = nowInstant();
      const image = {
        created,
        os: platform.os,
        architecture: platform.architecture,
        ...(platform.variant ? { variant: platform.variant } : {}),
        config,
        comment: options.message ?? '',
        history: [{ created, comment: options.message || 'Imported from -' }],
      };
      const id = await store(parts, lease, [layer], { config: image }, name);
      imageEvent(parts, 'import', id, id, parts.catalog.get(id));
      emit({ status: id });
    } finally {
      archive.destroy();
      lease.release();
      await sweep(parts, orphans);
    }
  });
}
