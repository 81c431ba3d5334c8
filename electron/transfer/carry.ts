import { type Readable, Transform } from 'node:stream';
import * as v from 'valibot';
import { type EngineClient, EngineError, jsonLines } from '../engine-client/index.ts';
import type { StartTransfer, TransferPlan } from '../ipc/contract.ts';
import { progressLine, unmake } from './answers.ts';
import { TransferFailure } from './failure.ts';

/** All that a way of carrying something over needs. */
export interface Carrying {
  from: EngineClient;
  to: EngineClient;
  request: StartTransfer;
  plan: TransferPlan;
  /** Of this transfer: what is on an engine for a moment only is marked with it. */
  id: string;
  /** So many more bytes have travelled. */
  count(bytes: number): void;
  /** Keeps on disk what there is to take away should the app be killed. */
  keep(made: Made): Promise<void>;
  signal: AbortSignal;
}

/** What is on the target for it now, so that it can be taken away again. */
export interface Made {
  containers: string[];
  volumes: MadeVolume[];
  networks: string[];
  images: string[];
}
/** `createdAt`, as the target said it, tells it from one of the same name that somebody else makes later; unknown of what came by stream. */
export interface MadeVolume {
  name: string;
  createdAt?: string | undefined;
}
export interface Carried {
  id: string;
  name: string;
  warnings: string[];
  made: Made;
}

export const nothingMade = (): Made => ({ containers: [], volumes: [], networks: [], images: [] });

/** Takes away what was made, in the order in which one needs the other. What is gone or in use by others stays as it is. */
export async function takeBack(client: EngineClient, { containers, volumes, networks, images }: Made): Promise<void> {
  const each = async (names: string[], path: (name: string) => string): Promise<void> => {
    for (const name of names) await unmake(client, path(encodeURIComponent(name))).catch(() => undefined);
  };
  await each(containers, (id) => `/containers/${id}?force=1&v=1`);
  await each(
    volumes.map(({ name }) => name),
    (name) => `/volumes/${name}`,
  );
  await each(networks, (name) => `/networks/${name}`);
  await each(images, (name) => `/images/${name}?force=1`);
}

/**
 * Carries the answer of one engine to another as its request, with backpressure, and reads what that says.
 *
 * @throws EngineError with the target's words; when the source breaks off, with the source's
 */
export async function pipeOver(
  { to, count, signal }: Pick<Carrying, 'to' | 'count' | 'signal'>,
  source: Readable,
  target: { method: 'POST' | 'PUT'; path: string; type: string },
  line: (message: v.InferOutput<typeof progressLine>) => void = () => undefined,
): Promise<void> {
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      count(chunk.length);
      done(null, chunk);
    },
  });
  let broken: Error | undefined;
  source.on('error', (error) => {
    broken = error;
    counted.destroy(error);
  });
  // An answer that is cut short ends without an error in some versions of Node.
  source.on('close', () => {
    if (!source.readableEnded) counted.destroy(broken ?? new Error('the source broke off'));
  });
  source.pipe(counted);
  try {
    const answer = await to.stream(target.method, target.path, { headers: { 'Content-Type': target.type }, body: counted, signal });
    try {
      for await (const message of jsonLines(answer.body)) {
        const parsed = v.safeParse(progressLine, message);
        if (!parsed.success) continue;
        const failed = parsed.output.errorDetail?.message ?? parsed.output.error;
        if (failed) throw new EngineError(500, failed);
        line(parsed.output);
      }
    } finally {
      answer.body.destroy();
    }
    if (broken) throw broken;
  } catch (error) {
    if (broken && !(error instanceof EngineError) && !signal.aborted) {
      throw new TransferFailure('source-broke-off', { reason: broken.message }, `the source broke off: ${broken.message}`, {
        cause: error,
      });
    }
    throw error;
  } finally {
    source.destroy();
    counted.destroy();
  }
}
