import { randomBytes } from 'node:crypto';
import { existsSync, promises as fs, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { moveAside, READS_AT_ONCE, readJson, sweepTemporary, syncFolder, writeJson, writeRunState } from '../../store/durable.ts';
import { Rubbish } from '../../store/rubbish.ts';
import { unmountCopy } from '../../system/mount/index.ts';
import type { Log, Paths } from '../context.ts';
import { Failure, messageOf } from '../failure.ts';
import { toNanos } from '../instant.ts';
import { forEachAtOnce } from '../queue.ts';
import { type Container, type ContainerRecord, enliven, recordOf } from './container.ts';
import { findLinked } from './linked.ts';

/**
 * Containers on disk and in memory.
 *
 * A container's truth is written twice. `DATA/containers/ID/container.json` is durable: fsynced, renamed. It is written before
 * create, rename and update answer. A change of state (started, exited) first goes to `RUN/containers/ID/state.json`, renamed
 * but not fsynced, before the client hears of it: what was renamed survives kill -9 of the helper; fsync matters only
 * for power cuts, and after one nothing runs any more, so `running` or `exited` half a second ago makes no difference
 * but for exit codes. The durable file follows within DURABLE_DELAY_MS, so a `run --rm` of a moment never waits for a disk.
 * On start the newer of the two counts; RUN is believed only if it is of this boot. Where one can't be read, the other one serves.
 */
const DURABLE_DELAY_MS = 250;
const RETRY_MS = 5000;

export function currentBoot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

const STATES = ['created', 'running', 'restarting', 'exited', 'removing'];

/** @param id whose record it must be, where that is known */
function parseRecord(value: unknown, id?: string): ContainerRecord {
  const record = value as Partial<ContainerRecord>;
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  if (record.schema !== 1) throw new Error(`unknown schema ${record.schema}`);
  if (typeof record.id !== 'string' || !/^[0-9a-f]{64}$/.test(record.id)) throw new Error('no id');
  if (id !== undefined && record.id !== id) throw new Error(`of another container: ${record.id}`);
  const { state } = record;
  if (typeof record.name !== 'string' || !STATES.includes(state?.status ?? '')) throw new Error('no name or no state');
  if (state?.status === 'running' && !(state.pid > 1)) throw new Error('running without a process');
  if (!record.config || !record.hostConfig || !Array.isArray(record.mounts) || !Array.isArray(record.chain)) throw new Error('incomplete');
  return record as ContainerRecord;
}

export class ContainerStore {
  readonly bootId = currentBoot();
  #byId = new Map<string, Container>();
  #byName = new Map<string, string>();
  #newestFirst: Container[] | undefined;
  #data: string;
  #run: string;
  #log: Log;
  readonly #rubbish: Rubbish;
  /** Ids of those with a record in RUN. */
  #withRecent = new Set<string>();

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
  get #damaged(): string {
    return path.join(this.#data, '.damaged');
  }

  /** Reads what is on disk. Half-created and half-removed ones are cleared away; damaged ones are moved aside and reported. */
  async load(): Promise<void> {
    await fs.mkdir(this.#data, { recursive: true, mode: 0o710 });
    await fs.mkdir(this.#run, { recursive: true, mode: 0o710 });
    await fs.mkdir(this.trash, { recursive: true, mode: 0o700 });
    this.#emptyTrash();
    const ids = (await fs.readdir(this.#data)).filter((id) => /^[0-9a-f]{64}$/.test(id));
    // Waiting for the disk is nearly all of it.
    await forEachAtOnce(ids, READS_AT_ONCE, async (id) => {
      try {
        const found = await this.#read(id);
        if (!found) return;
        const container = enliven(found.record);
        if (this.#byName.has(container.name)) container.name = id.slice(0, 12);
        this.add(container);
        if (found.due) this.#saveLater(container, DURABLE_DELAY_MS);
      } catch (error) {
        this.#log.error('a container can not be read and is left out', { container: id, reason: messageOf(error) });
      }
    });
  }

  /** The newer of its two records, and whether it is the durable one; undefined when it is none, or damaged in both. */
  async #read(id: string): Promise<{ record: ContainerRecord; due: boolean } | undefined> {
    const folder = this.folder(id);
    await sweepTemporary(folder);
    const durable = await readJson(path.join(folder, 'container.json'), (value) => parseRecord(value, id), { keep: true });
    const recent = await readJson(path.join(this.runFolder(id), 'state.json'), (value) => parseRecord(value, id));
    if (recent.status === 'damaged') {
      const { reason, movedTo } = recent;
      this.#log.error("a container's state of this boot can not be read: what was last saved counts", { container: id, reason, movedTo });
    }
    if (recent.status === 'ok' && recent.value.bootId === this.bootId) {
      this.#withRecent.add(id);
      if (durable.status !== 'ok') {
        this.#log.error("a container's record can not be read: it is made again from its state of this boot", {
          container: id,
          ...durable,
        });
        if (durable.status === 'damaged') await moveAside(durable.movedTo);
      }
      const due = durable.status !== 'ok' || JSON.stringify(durable.value) !== JSON.stringify(recent.value);
      return { record: recent.value, due };
    }
    if (durable.status === 'ok') return { record: durable.value, due: false };
    if (durable.status === 'absent') {
      // Made by a create that never came to answer, or left by a removal: nobody was told of it.
      this.#log.info('removing what is left of a half-created container', { container: id });
      await this.#discard(folder);
      return undefined;
    }
    // Its files are worth more than its record: they wait for somebody who looks.
    const movedTo = path.join(this.#damaged, `${id}-${Date.now()}`);
    await fs.mkdir(this.#damaged, { recursive: true, mode: 0o700 });
    await fs.rename(folder, movedTo);
    this.#log.error('a container can not be read and is moved aside', { container: id, reason: durable.reason, movedTo });
    return undefined;
  }

  add(container: Container): void {
    this.#byId.set(container.id, container);
    this.#byName.set(container.name, container.id);
    this.#newestFirst = undefined;
  }

  all(): IterableIterator<Container> {
    return this.#byId.values();
  }
  get size(): number {
    return this.#byId.size;
  }
  /** As lists show them. Not to be changed. */
  newestFirst(): readonly Container[] {
    // As doubles: microseconds are kept, and no two creations of one process are nearer.
    this.#newestFirst ??= [...this.#byId.values()]
      .map((container) => ({ container, created: Number(toNanos(container.created)) }))
      .sort((a, b) => b.created - a.created)
      .map(({ container }) => container);
    return this.#newestFirst;
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
    if (container.state.status !== 'created' || this.#withRecent.has(container.id)) this.#saveRecent(container);
  }

  /** Survives kill -9 when it resolves, a power cut a little later (see above). */
  async saveState(container: Container): Promise<void> {
    container.live.summary = undefined;
    container.bootId = this.bootId;
    this.#saveRecent(container);
    this.#saveLater(container, DURABLE_DELAY_MS);
  }

  #saveLater(container: Container, delayMs: number): void {
    container.live.saveTimer ??= setTimeout(() => {
      container.live.saveTimer = undefined;
      if (container.live.removing || !this.#byId.has(container.id)) return;
      writeJson(path.join(this.folder(container.id), 'container.json'), recordOf(container)).catch((error) => {
        // Removed while it was written: nothing is to be kept.
        if (container.live.removing || !this.#byId.has(container.id)) return;
        // A disk that is full may not be so for long; what lies in RUN is true until then.
        this.#log.warn('a container could not be saved', { container: container.id, error: messageOf(error) });
        this.#saveLater(container, RETRY_MS);
      });
    }, delayMs).unref();
  }

  #saveRecent(container: Container): void {
    this.#withRecent.add(container.id);
    writeRunState(path.join(this.runFolder(container.id), 'state.json'), recordOf(container));
  }

  /** Writes what is still due, for an orderly end of the helper. */
  async flush(): Promise<void> {
    await Promise.all([...this.#byId.values()].filter((container) => container.live.saveTimer).map((container) => this.save(container)));
    await this.#rubbish.empty();
  }

  #forget({ id }: Container): void {
    this.#byId.delete(id);
    this.#newestFirst = undefined;
  }

  /** Forgets it; its durable folder goes in one rename, so that a crash never leaves half of it. */
  async remove(container: Container): Promise<void> {
    clearTimeout(container.live.saveTimer);
    container.live.saveTimer = undefined;
    await this.#discard(this.folder(container.id), container.live.rootfsGone);
    this.#unmountWithin(this.runFolder(container.id));
    this.#rubbish.add(this.runFolder(container.id), container.live.rootfsGone);
    this.#withRecent.delete(container.id);
    this.#forget(container);
    this.releaseName(container.name, container.id);
  }

  /** Forgets it, and moves its durable folder to `target` in one rename, whence `restore` brings it back. */
  async moveOut(container: Container, target: string): Promise<void> {
    clearTimeout(container.live.saveTimer);
    container.live.saveTimer = undefined;
    await container.live.rootfsGone;
    await fs.rename(this.folder(container.id), target);
    await Promise.all([syncFolder(this.#data), syncFolder(path.dirname(target))]);
    this.#unmountWithin(this.runFolder(container.id));
    // At once: it may be back with the same id before rubbish is deleted.
    await fs.rm(this.runFolder(container.id), { recursive: true, force: true });
    this.#withRecent.delete(container.id);
    this.#forget(container);
    this.releaseName(container.name, container.id);
  }

  /** The record in a folder that was moved out. @throws Failure system when it can't be read */
  async readFolder(folder: string): Promise<ContainerRecord> {
    const durable = await readJson(path.join(folder, 'container.json'), (value) => parseRecord(value), { keep: true });
    if (durable.status === 'ok') return durable.value;
    throw new Failure('system', `the container's record is ${durable.status}`);
  }

  /** A commit may have mounted the image in it: what is mounted must neither be deleted nor keep the folder. (The rootfs goes by itself.) */
  #unmountWithin(folder: string): void {
    for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
      if (entry.isDirectory() && entry.name !== 'rootfs') unmountCopy(path.join(folder, entry.name));
    }
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
