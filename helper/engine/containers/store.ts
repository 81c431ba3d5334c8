import { randomBytes } from 'node:crypto';
import { promises as fs, readFileSync } from 'node:fs';
import path from 'node:path';
import { readJson, sweepTemporary, writeJson, writeRunState } from '../../store/durable.ts';
import { Rubbish } from '../../store/rubbish.ts';
import type { Log, Paths } from '../context.ts';
import { Failure, messageOf } from '../failure.ts';
import { type Container, type ContainerRecord, enliven, recordOf } from './container.ts';
import { findLinked } from './links.ts';

/**
 * Containers on disk and in memory.
 *
 * A container's truth is written twice. `DATA/containers/ID/container.json` is durable: fsynced, renamed. It is written before
 * create, rename and update answer. A change of state (started, exited) first goes to `RUN/containers/ID/state.json`, renamed
 * but not fsynced, before the client hears of it: what was renamed survives kill -9 of the helper; fsync matters only
 * for power cuts, and after one nothing runs any more, so `running` or `exited` half a second ago makes no difference
 * but for exit codes. The durable file follows within DURABLE_DELAY_MS, so a `run --rm` of a moment never waits for a disk.
 * On start the newer of the two counts; RUN is believed only if it is of this boot.
 */
const DURABLE_DELAY_MS = 250;

export function currentBoot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function parseRecord(value: unknown): ContainerRecord {
  const record = value as Partial<ContainerRecord>;
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  if (record.schema !== 1) throw new Error(`unknown schema ${record.schema}`);
  if (typeof record.id !== 'string' || !/^[0-9a-f]{64}$/.test(record.id)) throw new Error('no id');
  if (typeof record.name !== 'string' || typeof record.state?.status !== 'string') throw new Error('no name or no state');
  if (!record.config || !record.hostConfig || !Array.isArray(record.mounts) || !Array.isArray(record.chain)) throw new Error('incomplete');
  return record as ContainerRecord;
}

export class ContainerStore {
  readonly bootId = currentBoot();
  #byId = new Map<string, Container>();
  #byName = new Map<string, string>();
  #data: string;
  #run: string;
  #log: Log;
  readonly #rubbish: Rubbish;

  constructor(paths: Paths, log: Log) {
    this.#data = path.join(paths.data, 'containers');
    this.#run = path.join(paths.run, 'containers');
    this.#log = log;
    this.#rubbish = new Rubbish((error) => log.warn('removed containers left files behind', { error: messageOf(error) }));
  }

  /** The container's durable folder. */
  folder(id: string): string {
    return path.join(this.#data, id);
  }
  /** Its folder for the life of the boot: bundle, rootfs. */
  runFolder(id: string): string {
    return path.join(this.#run, id);
  }
  rootfs(id: string): string {
    return path.join(this.#run, id, 'rootfs');
  }
  get trash(): string {
    return path.join(this.#data, '.trash');
  }

  /** Reads what is on disk. Half-created and half-removed ones are cleared away; damaged ones are moved aside and reported. */
  async load(): Promise<void> {
    await fs.mkdir(this.#data, { recursive: true, mode: 0o710 });
    await fs.mkdir(this.#run, { recursive: true, mode: 0o710 });
    await fs.mkdir(this.trash, { recursive: true, mode: 0o700 });
    this.#emptyTrash();
    for (const id of await fs.readdir(this.#data)) {
      if (!/^[0-9a-f]{64}$/.test(id)) continue;
      const folder = this.folder(id);
      await sweepTemporary(folder);
      const durable = await readJson(path.join(folder, 'container.json'), parseRecord);
      if (durable.status === 'absent') {
        // Made by a create that never came to answer, or left by a removal: nobody was told of it.
        this.#log.info('removing what is left of a half-created container', { container: id });
        await this.#discard(folder);
        continue;
      }
      if (durable.status === 'damaged') {
        this.#log.error('a container can not be read and is left out', { container: id, reason: durable.reason, movedTo: durable.movedTo });
        continue;
      }
      const container = enliven(durable.value);
      const recent = await readJson(path.join(this.runFolder(id), 'state.json'), (value) => value as Partial<ContainerRecord>).catch(
        () => undefined,
      );
      if (recent?.status === 'ok' && recent.value.bootId === this.bootId && recent.value.id === id) {
        Object.assign(container, recent.value);
      }
      if (this.#byName.has(container.name)) container.name = id.slice(0, 12);
      this.add(container);
    }
  }

  add(container: Container): void {
    this.#byId.set(container.id, container);
    this.#byName.set(container.name, container.id);
  }

  all(): IterableIterator<Container> {
    return this.#byId.values();
  }
  get size(): number {
    return this.#byId.size;
  }
  byId(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  /** By full id or by name (with or without slash). */
  exact(reference: string): Container | undefined {
    const exact = this.#byId.get(reference);
    if (exact) return exact;
    const named = this.#byName.get(reference.replace(/^\//, ''));
    return named === undefined ? undefined : this.#byId.get(named);
  }

  /** Full id, name, `parent/alias` of a link, or a prefix of the id that fits one container only. */
  find(reference: string): Container | undefined {
    const exact = this.exact(reference) ?? findLinked(this, reference)?.target;
    if (exact) return exact;
    if (!/^[0-9a-f]{1,64}$/.test(reference)) return undefined;
    let found: Container | undefined;
    for (const [id, container] of this.#byId) {
      if (!id.startsWith(reference)) continue;
      if (found) throw new Failure('invalidParameter', `multiple IDs found with provided prefix: ${reference}`);
      found = container;
    }
    return found;
  }

  /** @throws Failure notFound `No such container: REF`, invalidParameter without any */
  get(reference: string): Container {
    if (reference === '') throw new Failure('invalidParameter', 'invalid name or ID supplied: ""');
    const container = this.find(reference);
    if (!container) throw new Failure('notFound', `No such container: ${reference}`);
    return container;
  }

  /** @throws Failure conflict */
  reserveName(name: string, id: string): void {
    const holder = this.#byName.get(name);
    if (holder !== undefined && holder !== id) {
      throw new Failure(
        'conflict',
        `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    this.#byName.set(name, id);
  }
  releaseName(name: string, id: string): void {
    if (this.#byName.get(name) === id) this.#byName.delete(name);
  }
  nameTaken(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Durable when it resolves. */
  async save(container: Container): Promise<void> {
    clearTimeout(container.live.saveTimer);
    container.live.saveTimer = undefined;
    container.live.summary = undefined;
    container.bootId = this.bootId;
    await writeJson(path.join(this.folder(container.id), 'container.json'), recordOf(container));
    // What lies in RUN is older now, and must not win over a later update of the durable file.
    if (container.state.status !== 'created') this.#saveRecent(container);
  }

  /** Survives kill -9 when it resolves, a power cut a little later (see above). */
  async saveState(container: Container): Promise<void> {
    container.live.summary = undefined;
    container.bootId = this.bootId;
    this.#saveRecent(container);
    container.live.saveTimer ??= setTimeout(() => {
      container.live.saveTimer = undefined;
      if (container.live.removing || !this.#byId.has(container.id)) return;
      writeJson(path.join(this.folder(container.id), 'container.json'), recordOf(container)).catch((error) => {
        // Removed while it was written: nothing is to be kept.
        if (container.live.removing) return;
        this.#log.warn('a container could not be saved', { container: container.id, error: messageOf(error) });
      });
    }, DURABLE_DELAY_MS).unref();
  }

  #saveRecent(container: Container): void {
    const { id, name, state, network, restartCount, lastDelayMs, stoppedByUser, everStarted, bootId, hostConfig, endpoints } = container;
    const recent = { id, name, state, network, restartCount, lastDelayMs, stoppedByUser, everStarted, bootId, hostConfig, endpoints };
    writeRunState(path.join(this.runFolder(id), 'state.json'), recent);
  }

  /** Writes what is still due, for an orderly end of the helper. */
  async flush(): Promise<void> {
    await Promise.all([...this.#byId.values()].filter((container) => container.live.saveTimer).map((container) => this.save(container)));
    await this.#rubbish.empty();
  }

  /** Forgets it; its durable folder goes in one rename, so that a crash never leaves half of it. */
  async remove(container: Container): Promise<void> {
    clearTimeout(container.live.saveTimer);
    container.live.saveTimer = undefined;
    await this.#discard(this.folder(container.id), container.live.rootfsGone);
    this.#rubbish.add(this.runFolder(container.id), container.live.rootfsGone);
    this.#byId.delete(container.id);
    this.releaseName(container.name, container.id);
  }

  /** Out of sight in one rename; the deletion itself (a large upper can take seconds) happens behind the answer. */
  async #discard(folder: string, after?: Promise<void>): Promise<void> {
    const target = path.join(this.trash, `${path.basename(folder)}-${randomBytes(4).toString('hex')}`);
    try {
      await fs.rename(folder, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    this.#rubbish.add(target, after);
  }

  #emptyTrash(): void {
    fs.readdir(this.trash).then(
      (names) => {
        for (const name of names) this.#rubbish.add(path.join(this.trash, name));
      },
      () => undefined,
    );
  }

  /** Folders in RUN that belong to no container. Their mounts are gone already. */
  async removeStrays(): Promise<void> {
    for (const id of await fs.readdir(this.#run)) {
      if (/^[0-9a-f]{64}$/.test(id) && !this.#byId.has(id)) await fs.rm(path.join(this.#run, id), { recursive: true, force: true });
    }
  }
}
