import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { JobResult } from '../../store/layers/job.ts';
import type { LayerIngest } from '../../store/layers/layers.ts';
import type { Lease } from '../../store/leases.ts';
import { Failure } from '../failure.ts';
import type { Parts } from './parts.ts';

/** A layer on its way in whose bytes become a blob of the content store. */
export interface ImageLayerIngest {
  write(chunk: Buffer): Promise<void>;
  finish(expected?: { digest?: string; diffId?: string }): Promise<JobResult>;
  abort(): Promise<void>;
}

/**
 * Begins taking in a layer; its blob and its unpacked form are leased when they are there.
 * @param from file that keeps the bytes, and how many of those to come it has already (a resumed download)
 */
export async function ingestLayer(parts: Parts, lease: Lease, from?: { path: string; has: number }): Promise<ImageLayerIngest> {
  const blob = from ?? { path: parts.content.newIngest(), has: 0 };
  const discard = (): Promise<void> => rm(blob.path, { force: true });
  let ingest: LayerIngest;
  try {
    ingest = await parts.layers.add(blob);
  } catch (error) {
    if (!from) await discard();
    throw error;
  }
  return {
    write: (chunk) => ingest.write(chunk),
    abort: async () => {
      await ingest.abort();
      if (!from) await discard();
    },
    finish: async (expected = {}) => {
      try {
        return await ingest.finish(expected, async (result) => {
          lease.add(result.diffId);
          lease.add(result.digest);
          await parts.content.adopt(blob.path, result.digest);
        });
      } catch (error) {
        const other = expected.digest ? await otherContent(blob.path, { digest: expected.digest }) : undefined;
        // What turned out wrong is never resumed.
        await discard();
        throw other ?? error;
      }
    },
  };
}

/**
 * Why bytes could not be unpacked, when they are not those that were asked for: a proxy's page, say, is no broken archive.
 * @param size when they are fewer, nothing is known
 */
export async function otherContent(file: string, { digest, size }: { digest: string; size?: number }): Promise<Failure | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (!found || (size !== undefined && found.size !== size)) return undefined;
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const same = `sha256:${hash.digest('hex')}` === digest;
  return same ? undefined : new Failure('system', `filesystem layer verification failed for digest ${digest}`);
}
