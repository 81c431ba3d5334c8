import * as v from 'valibot';
import type { BatchItem, StartBatch, StartTransfer, TransferStep } from '../ipc/contract.ts';
import { startBatch, startTransfer, transferSource } from '../ipc/schemas.ts';
import type { Carried, Made } from './carry.ts';

/** What there is to know for whoever finds a transfer in whose midst the app was killed. */
export interface Known {
  /** The original ran, and is stopped for it. */
  stopped: boolean;
  way?: 'stream' | 'archive' | undefined;
  /** Id of a container's image. */
  image?: string | undefined;
  /** On the target by then, or (by stream) with what comes. */
  made: Made;
  /** All of it is there. */
  carried?: Carried | undefined;
}

/** A transfer as it is kept in transfers.json while it runs. */
export interface TransferRecord {
  id: string;
  request: StartTransfer;
  fromName: string;
  toName: string;
  startedAt: number;
  /** The one that was begun last. */
  step: Exclude<TransferStep, 'wait'>;
  known: Known;
}

const texts = v.array(v.string());
const made = v.object({
  containers: texts,
  volumes: v.array(v.object({ name: v.string(), createdAt: v.optional(v.string()) })),
  networks: texts,
  images: texts,
});
const request = v.pipe(
  startTransfer,
  v.transform(({ name, ...rest }): StartTransfer => ({ ...rest, ...(name !== undefined && { name }) })),
);

export const transfersFileSchema = v.object({
  version: v.literal(1),
  transfers: v.array(
    v.object({
      id: v.pipe(v.string(), v.regex(/^x[0-9a-f]{8}$/)),
      request,
      fromName: v.string(),
      toName: v.string(),
      startedAt: v.number(),
      step: v.picklist(['look', 'stop', 'copy', 'start', 'remove', 'putBack']),
      known: v.object({
        stopped: v.boolean(),
        way: v.optional(v.picklist(['stream', 'archive'])),
        image: v.optional(v.string()),
        made,
        carried: v.optional(v.object({ id: v.string(), name: v.string(), warnings: texts, made })),
      }),
    }),
  ),
});
export interface TransfersFile {
  version: 1;
  transfers: TransferRecord[];
}

/** A batch as it is kept in batches.json while not all of it is done. */
export interface BatchRecord {
  id: string;
  /** `name`: what it is to be called there, of one that was not part of a batch. */
  request: Omit<StartBatch, 'sources'> & { name?: string | undefined };
  toName: string;
  items: Omit<BatchItem, 'why'>[];
}
export const batchesFileSchema = v.object({
  version: v.literal(1),
  batches: v.array(
    v.object({
      id: v.pipe(v.string(), v.regex(/^b[0-9a-f]{8}$/)),
      request: v.strictObject({ ...v.omit(startBatch, ['sources']).entries, name: startTransfer.entries.name }),
      toName: v.string(),
      items: v.pipe(
        v.array(
          v.pipe(
            v.object({
              source: transferSource,
              status: v.picklist(['waiting', 'running', 'done', 'failed', 'left']),
              transfer: v.optional(v.string()),
            }),
            v.transform(({ transfer, ...rest }): Omit<BatchItem, 'why'> => ({ ...rest, ...(transfer !== undefined && { transfer }) })),
          ),
        ),
        v.minLength(1),
      ),
    }),
  ),
});
export interface BatchesFile {
  version: 1;
  batches: BatchRecord[];
}
