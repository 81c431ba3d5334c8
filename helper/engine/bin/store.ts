import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { readJson, syncFolder, writeJson } from '../../store/durable.ts';
import type { Log } from '../context.ts';
import { messageOf } from '../failure.ts';

/**
 * DATA/bin/ID/entry.json     what it is; written before anything is moved in
 *            /container/    a container's folder, or
 *            /volumes/NAME/ volumes' folders
 *
 * An entry without either holds nothing: its removal was cut short, or it was put back. It is cleared away at start.
 */
const ENTRY = v.object({
  version: v.literal(1),
  id: v.string(),
  kind: v.picklist(['container', 'volume']),
  name: v.string(),
  containerId: v.optional(v.string()),
  image: v.optional(v.string()),
  /** Layers that a container needs when it comes back. */
  chain: v.array(v.string()),
  removedAt: v.string(),
  bytes: v.number(),
});
export type StoredEntry = v.InferOutput<typeof ENTRY>;

const ID = /^[0-9a-f]{16}$/;

export const newEntryId = (): string => randomBytes(8).toString('hex');

export class BinStore {
  readonly #root: string;
  readonly #trash: string;
  readonly #log: Log;
  readonly #deletions = new Set<Promise<void>>();

  constructor(root: string, log: Log) {
    this.#root = root;
    this.#trash = path.join(root, '.trash');
    this.#log = log;
  }

  folder(id: string): string {
    return path.join(this.#root, id);
  }

  async read(): Promise<StoredEntry[]> {
    await fs.mkdir(this.#trash, { recursive: true, mode: 0o700 });
    for (const name of await fs.readdir(this.#trash)) this.#delete(path.join(this.#trash, name));
    const entries: StoredEntry[] = [];
    for (const id of (await fs.readdir(this.#root)).filter((name) => ID.test(name))) {
      const result = await readJson(path.join(this.folder(id), 'entry.json'), (value) => v.parse(ENTRY, value), { keep: true });
      const content = (await this.volumes(id)).length > 0 || (await this.hasContainer(id));
      if (result.status === 'ok' && result.value.id === id && content) entries.push(result.value);
      else if (!content) await this.remove(id);
      else this.#log.error('an entry of the bin can not be read and is left out', { entry: id, folder: this.folder(id), ...result });
    }
    return entries;
  }

  async create(entry: StoredEntry): Promise<void> {
    const folder = this.folder(entry.id);
    try {
      // Level by level: Node's `recursive` says ENOENT where the disk is full.
      for (const level of [folder, path.join(folder, 'volumes')]) await fs.mkdir(level, { mode: 0o700 });
      await writeJson(path.join(folder, 'entry.json'), entry);
      await syncFolder(this.#root);
    } catch (error) {
      await fs.rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  container(id: string): string {
    return path.join(this.folder(id), 'container');
  }

  async hasContainer(id: string): Promise<boolean> {
    return fs.stat(this.container(id)).then(
      () => true,
      () => false,
    );
  }

  volumesFolder(id: string): string {
    return path.join(this.folder(id), 'volumes');
  }

  /** Names of the volumes in it. */
  async volumes(id: string): Promise<string[]> {
    return (await fs.readdir(this.volumesFolder(id)).catch(() => [])).sort();
  }

  /** Out of sight in one rename; the deletion itself happens behind. */
  async remove(id: string): Promise<void> {
    const target = path.join(this.#trash, `${id}-${randomBytes(4).toString('hex')}`);
    await fs.rename(this.folder(id), target);
    this.#delete(target);
  }

  #delete(target: string): void {
    const work = fs
      .rm(target, { recursive: true, force: true })
      .catch((error) => this.#log.warn('something of the bin was left', { folder: target, error: messageOf(error) }))
      .finally(() => this.#deletions.delete(work));
    this.#deletions.add(work);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#deletions);
  }
}
