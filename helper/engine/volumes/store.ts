import { promises as fs } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { emptyFolder, READS_AT_ONCE, type ReadResult, readJson, removeFolder, syncFolder, writeJson } from '../../store/durable.ts';
import type { Log } from '../context.ts';
import { messageOf } from '../failure.ts';
import { forEachAtOnce } from '../queue.ts';

/**
 * DATA/volumes/NAME/{_data,volume.json}: the data, and what is known about it. A folder without volume.json is a creation
 * that a crash cut short; with an empty `_data` it is removed at start, else kept and adopted as a plain volume, because
 * data is never thrown away by guessing.
 */
const SCHEMA = v.object({
  version: v.literal(1),
  name: v.string(),
  createdAt: v.string(),
  labels: v.record(v.string(), v.string()),
  options: v.record(v.string(), v.string()),
  anonymous: v.boolean(),
  /** The container that an anonymous volume was made for: `rm -v` removes it with that one, or with the last that borrows it. */
  owner: v.optional(v.string()),
});
export type StoredVolume = v.InferOutput<typeof SCHEMA>;

const TRASH = '.trash';

export class VolumeStore {
  readonly #root: string;
  readonly #log: Log;
  constructor(root: string, log: Log) {
    this.#root = root;
    this.#log = log;
  }

  folder(name: string): string {
    return path.join(this.#root, name);
  }

  data(name: string): string {
    return path.join(this.#root, name, '_data');
  }

  async read(): Promise<StoredVolume[]> {
    // 0701: containers with other users pass through to their data by path, nobody lists.
    await fs.mkdir(this.#root, { recursive: true, mode: 0o701 });
    await emptyFolder(path.join(this.#root, TRASH));
    const volumes: StoredVolume[] = [];
    const entries = await fs.readdir(this.#root, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory() && entry.name !== TRASH).map(({ name }) => name);
    await forEachAtOnce(names, READS_AT_ONCE, async (name) => {
      try {
        const result = await readJson(path.join(this.folder(name), 'volume.json'), (value) => v.parse(SCHEMA, value));
        if (result.status === 'ok' && result.value.name === name) volumes.push(result.value);
        else await this.#recover(name, volumes, result);
      } catch (error) {
        this.#log.error('a volume can not be read and is left out', { volume: name, reason: messageOf(error) });
      }
    });
    return volumes;
  }

  async #recover(name: string, volumes: StoredVolume[], result: ReadResult<StoredVolume>): Promise<void> {
    const content = await fs.readdir(this.data(name)).catch(() => []);
    if (result.status === 'absent' && content.length === 0) {
      await removeFolder(this.folder(name), path.join(this.#root, TRASH));
      return;
    }
    const { status, ...why } = result.status === 'damaged' ? result : { status: result.status };
    this.#log.warn('a volume without a readable volume.json is kept as a plain one: its labels and options are lost', {
      volume: name,
      status,
      ...why,
    });
    const { birthtime } = await fs.stat(this.folder(name));
    const volume: StoredVolume = {
      version: 1,
      name,
      createdAt: birthtime.toISOString().replace(/\.\d+Z$/, 'Z'),
      labels: {},
      options: {},
      anonymous: false,
    };
    await fs.mkdir(this.data(name), { recursive: true });
    await this.#write(volume);
    volumes.push(volume);
  }

  async #write(volume: StoredVolume): Promise<void> {
    await writeJson(path.join(this.folder(volume.name), 'volume.json'), volume);
  }

  async create(volume: StoredVolume): Promise<void> {
    await fs.mkdir(this.folder(volume.name), { mode: 0o701 });
    try {
      await fs.mkdir(this.data(volume.name), { mode: 0o755 });
      // The process's umask must not decide what the container's users may do.
      await fs.chmod(this.data(volume.name), 0o755);
      await this.#write(volume);
      await syncFolder(this.#root);
    } catch (error) {
      await fs.rm(this.folder(volume.name), { recursive: true, force: true });
      throw error;
    }
  }

  async moveOut(name: string, target: string): Promise<void> {
    await fs.rename(this.folder(name), target);
    await Promise.all([syncFolder(this.#root), syncFolder(path.dirname(target))]);
  }

  /** A folder that was moved out, under `name`. @throws when it can't be read; it stays where it is then */
  async moveIn(folder: string, name: string): Promise<StoredVolume> {
    const volume = { ...v.parse(SCHEMA, JSON.parse(await fs.readFile(path.join(folder, 'volume.json'), 'utf8'))), name };
    await writeJson(path.join(folder, 'volume.json'), volume);
    await fs.rename(folder, this.folder(name));
    await syncFolder(this.#root);
    return volume;
  }

  /** Makes a folder with `_data` in it, from elsewhere on this file system, one that `moveIn` takes. */
  async describe(folder: string, volume: StoredVolume): Promise<void> {
    await fs.chmod(folder, 0o701);
    await writeJson(path.join(folder, 'volume.json'), volume);
  }

  async remove(name: string): Promise<void> {
    await removeFolder(this.folder(name), path.join(this.#root, TRASH));
    await syncFolder(this.#root);
  }
}
