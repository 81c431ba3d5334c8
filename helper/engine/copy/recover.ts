import { promises as fs } from 'node:fs';
import path from 'node:path';
import { isFailure, messageOf } from '../failure.ts';
import { toNanos } from '../instant.ts';
import { copiesFolder, type Journal, readJournal } from './journal.ts';
import type { CopyParts } from './parts.ts';

/** At a start: copies that a crash cut off are taken back, and containers that were paused for one go on. */
export async function recover(parts: CopyParts): Promise<void> {
  const { context } = parts;
  const root = copiesFolder(context.paths.data);
  for (const name of await fs.readdir(root).catch(() => [])) {
    const folder = path.join(root, name);
    try {
      const journal = await readJournal(folder);
      if (journal?.paused) await goOn(parts, journal.paused);
      if (journal?.made) await takeBack(parts, folder, journal.made);
      if (journal) context.log.info('a copy that was cut off was taken back', { copy: name });
    } catch (error) {
      context.log.error('what a copy left could not be taken back', { folder, reason: messageOf(error) });
    }
    await fs.rm(folder, { recursive: true, force: true });
  }
}

async function goOn({ containers }: CopyParts, ids: string[]): Promise<void> {
  for (const id of ids) await unlessGone(containers.unpause(id));
}

async function takeBack(parts: CopyParts, folder: string, made: NonNullable<Journal['made']>): Promise<void> {
  const { containers, images, networks, volumes } = parts;
  if (made.container) await unlessGone(containers.remove(made.container, { force: true, volumes: false, link: false }));
  for (const [name, source] of Object.entries(made.volumes)) {
    // Still aside: it never became the volume, and one of this name is somebody else's.
    const aside = source !== '' && (await fs.lstat(path.join(folder, source)).catch(() => undefined));
    if (!aside && (await isOurs(made.since, async () => volumes.outgoing(name).createdAt))) await unlessGone(volumes.remove(name, true));
  }
  for (const name of made.networks) {
    if (await isOurs(made.since, async () => (await networks.inspect(name)).Created)) await unlessGone(networks.remove(name));
  }
  if (made.image) await unlessGone(images.remove(made.image, { force: true, prune: false }));
}

/** Whether it was made since, to the second. */
async function isOurs(since: string, created: () => Promise<string>): Promise<boolean> {
  try {
    return toNanos(await created()) >= toNanos(since) - 1_000_000_000n;
  } catch (error) {
    if (isFailure(error, 'notFound')) return false;
    throw error;
  }
}

/** Gone already, not paused (any more), in use by somebody since: that is fine. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
}
