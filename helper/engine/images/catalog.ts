/**
 * Which images there are and what they are called: the layout's index.json, and summaries of it in memory so that
 * lists and look-ups read no file. An image is known by the digest of its config (Docker's image ID); each of its names
 * is one entry of the index, and an image without a name has one entry without a name.
 *
 * Source: OCI image index and its annotations; containerd's io.containerd.image.name
 */
import path from 'node:path';
import * as v from 'valibot';
import type { Content } from '../../store/content.ts';
import { previousOf, readJson, writeJson } from '../../store/durable.ts';
import type { Log } from '../context.ts';
import { Failure, messageOf } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import { IndexWriter, type Written } from './index-writer.ts';
import type { Descriptor, Manifest } from './manifest.ts';
import { hostPlatform, parseManifest, platformScore, samePlatform } from './manifest.ts';
import { blobsOf, type Marks, marksOf } from './marks.ts';
import { type ImageRecord, parseConfig, record } from './record.ts';
import type { Reference } from './references.ts';
import { format, parseNamed, withDefaultTag } from './references.ts';
import type { Platform } from './types.ts';

const NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';
const PARENT = 'dev.gantry.parent';
const LARGEST_MANIFEST = 4 * 1024 * 1024;
const TAGGED = 'dev.gantry.tagged';
const INDEX = 'dev.gantry.index';

interface NamedEntry {
  id: string;
  /** The manifest that this name was given. */
  descriptor: Descriptor;
  /** Digest of the index (manifest list) that it came from: images of one index share its names, each for its platform. */
  index?: string;
}

const DescriptorSchema = v.looseObject({
  mediaType: v.string(),
  digest: v.string(),
  size: v.number(),
  annotations: v.optional(v.record(v.string(), v.string())),
});
const IndexSchema = v.looseObject({ schemaVersion: v.literal(2), manifests: v.array(DescriptorSchema) });

export class Catalog {
  readonly #content: Content;
  readonly #log: Log;
  readonly #file: string;
  readonly #images = new Map<string, ImageRecord>();
  /** By full name: `docker.io/library/x:1`, `docker.io/library/x@sha256:…`. */
  readonly #names = new Map<string, NamedEntry[]>();
  readonly #released: (digests: Iterable<string>) => void;
  readonly #writer = new IndexWriter(this.#writing());
  /** Another one whenever images or names may be others. */
  revision = 0;
  #marks: Marks | undefined;
  /** What the index on disk refers to, while another is being written. */
  #saved: Marks | undefined;
  /** Digests that changes which are not on disk yet have let go of. */
  readonly #loose: string[] = [];

  /** @param released told of digests (of layers: diffIDs, too) that an image or a name refers to no more */
  constructor(content: Content, log: Log, released: (digests: Iterable<string>) => void) {
    this.#content = content;
    this.#log = log;
    this.#released = released;
    this.#file = path.join(content.root, 'index.json');
  }

  async start(): Promise<void> {
    const parse = (value: unknown) => v.parse(IndexSchema, value);
    const index = await readJson(this.#file, parse);
    const lost = index.status === 'damaged' || (index.status === 'absent' && this.#content.digests().length > 0);
    if (lost) this.#log.error('the index of images can not be read: it is made again from what is here', { ...index });
    const used = lost ? await readJson(previousOf(this.#file), parse, { keep: true }) : index;
    await this.#readAll(used.status === 'ok' ? used.value.manifests : []);
    if (lost) await this.#findImages();
    if (index.status !== 'ok') await this.#save();
  }

  async #readAll(entries: v.InferOutput<typeof DescriptorSchema>[]): Promise<void> {
    for (const entry of entries) {
      try {
        await this.#read(entry);
      } catch (error) {
        // One damaged image is left out; its blobs go with the next sweep. The others are served.
        this.#log.error('image is damaged and left out', { manifest: entry.digest, reason: messageOf(error) });
      }
    }
  }

  /** Images that no index names, by their manifests: names are lost, what was pulled or built is not. */
  async #findImages(): Promise<void> {
    for (const digest of this.#content.digests()) {
      const size = this.#content.size(digest) ?? 0;
      if (size > LARGEST_MANIFEST) continue;
      try {
        const { mediaType, config, layers } = parseManifest(await this.#content.read(digest));
        if (this.#images.has(config.digest) || !layers.every((layer) => this.#content.has(layer.digest))) continue;
        await this.#read({ mediaType, digest, size });
      } catch {
        // Another kind of blob.
      }
    }
  }

  async #read(entry: v.InferOutput<typeof DescriptorSchema>): Promise<void> {
    const descriptor: Descriptor = { mediaType: entry.mediaType, digest: entry.digest, size: entry.size };
    const manifest = parseManifest(await this.#content.read(entry.digest));
    const id = manifest.config.digest;
    const annotations = entry.annotations ?? {};
    const before = this.#images.get(id);
    // Of several manifests of one image, the one whose layers are here is the image's.
    const better = before && !this.#complete(before.manifest) && this.#complete(manifest);
    if (!before || better) {
      const config = parseConfig(await this.#content.read(id));
      this.#images.set(id, record(id, config, manifest, descriptor, annotations[PARENT], annotations[TAGGED]));
    }
    const name = annotations[NAME];
    const index = annotations[INDEX];
    if (name) this.#put(name, { id, descriptor, ...(index ? { index } : {}) });
  }

  /** Gives a name to an image: instead of others, or beside those of the same index for other platforms. This machine's comes first. */
  #put(name: string, entry: NamedEntry): void {
    const before = this.#names.get(name) ?? [];
    this.#loosen(before);
    const others = before.filter((other) => this.#besides(other, entry));
    const host = hostPlatform();
    const rank = ({ id }: NamedEntry): number => {
      const image = this.#images.get(id);
      return image ? (platformScore(host, image.config) ?? -1) : -1;
    };
    this.#names.set(
      name,
      [entry, ...others].sort((a, b) => rank(b) - rank(a)),
    );
  }

  #besides(other: NamedEntry, entry: NamedEntry): boolean {
    const [a, b] = [this.#images.get(other.id), this.#images.get(entry.id)];
    return entry.index !== undefined && other.index === entry.index && !!a && !!b && !samePlatform(a.config, b.config);
  }

  #complete(manifest: Manifest): boolean {
    return manifest.layers.every((layer) => this.#content.has(layer.digest));
  }

  get(id: string): ImageRecord | undefined {
    return this.#images.get(id);
  }

  all(): ImageRecord[] {
    return [...this.#images.values()];
  }

  count(): number {
    return this.#images.size;
  }

  /**
   * The image of a name; `latest` where the name says neither tag nor digest. With both, the digest decides.
   * @param platform of several images with the name the best for this; without one, or when none is for it: this machine's
   */
  byName(reference: Reference, platform?: Platform): { record: ImageRecord; descriptor: Descriptor } | undefined {
    const all = this.variants(reference);
    const score = ({ record }: { record: ImageRecord }): number => (platform ? (platformScore(platform, record.config) ?? -1) : 0);
    return all.reduce((best, variant) => (best && score(best) >= score(variant) ? best : variant), all[0]);
  }

  /** All images of a name, one for each platform that is here; this machine's first. */
  variants(reference: Reference): { record: ImageRecord; descriptor: Descriptor }[] {
    return (this.#names.get(key(reference)) ?? []).flatMap(({ id, descriptor }) => {
      const record = this.#images.get(id);
      return record ? [{ record, descriptor }] : [];
    });
  }

  /** Images whose id begins with these hex digits. */
  byPrefix(hex: string): ImageRecord[] {
    const start = `sha256:${hex}`;
    return this.all().filter((image) => image.id.startsWith(start));
  }

  /** Names of an image, full, sorted as dockerd does. */
  namesOf(id: string): Reference[] {
    const names: Reference[] = [];
    for (const [name, entries] of this.#names) if (entries.some((entry) => entry.id === id)) names.push(parseNamed(name));
    return names.sort((a, b) => (format(a) < format(b) ? -1 : 1));
  }

  /** Names for all images at once, for lists. An image that is but a further platform of its names has an empty list. */
  namesById(): Map<string, Reference[]> {
    const all = new Map<string, Reference[]>();
    for (const [name, entries] of this.#names) {
      entries.forEach(({ id }, at) => {
        const list = all.get(id) ?? [];
        all.set(id, list);
        if (at === 0) list.push(parseNamed(name));
      });
    }
    for (const list of all.values()) list.sort((a, b) => (format(a) < format(b) ? -1 : 1));
    return all;
  }

  childrenOf(id: string): ImageRecord[] {
    return this.all().filter((image) => image.parent === id);
  }

  /**
   * Adds an image whose manifest and config are in the content store. Durable when this returns.
   * @param names given to it; a name that another image has moves
   * @param tagged whether that counts as tagging, for inspect's LastTagTime: as in dockerd, neither a pull nor a load does
   * @param index digest of the index that it came from: images of it for other platforms keep the name, too
   * @returns whether the image is new
   */
  async add(
    descriptor: Descriptor,
    options: { names?: Reference[]; tagged?: boolean; parent?: string; index?: string } = {},
  ): Promise<{ record: ImageRecord; added: boolean }> {
    const manifest = parseManifest(await this.#content.read(descriptor.digest));
    const id = manifest.config.digest;
    const config = parseConfig(await this.#content.read(id));
    return this.#writer.change(() => {
      let image = this.#images.get(id);
      const added = !image;
      if (!image) {
        image = record(id, config, manifest, descriptor, options.parent, undefined);
        this.#images.set(id, image);
      }
      const names = options.names ?? [];
      if (options.tagged && names.length > 0) image.lastTagged = nowInstant();
      const { index } = options;
      for (const name of names) this.#put(key(name), { id, descriptor, ...(index ? { index } : {}) });
      return { record: image, added };
    });
  }

  /** Says which image another one was made from. Both must be there. */
  setParent(id: string, parent: string): Promise<void> {
    return this.#writer.change(() => {
      const image = this.#images.get(id);
      if (image && this.#images.has(parent)) image.parent = parent;
    });
  }

  /** Gives an image a further name, or moves the name to it. */
  name(reference: Reference, id: string, descriptor?: Descriptor): Promise<void> {
    return this.#writer.change(() => {
      const image = this.#images.get(id);
      if (!image) throw new Failure('notFound', `No such image: ${id}`);
      this.#put(key(reference), { id, descriptor: descriptor ?? image.manifestDescriptor });
      image.lastTagged = nowInstant();
    });
  }

  /** Gives all that one name means another name as well. */
  alias(source: Reference, target: Reference): Promise<void> {
    return this.#writer.change(() => {
      const entries = this.#names.get(key(source)) ?? [];
      this.#loosen(this.#names.get(key(target)) ?? []);
      this.#names.set(key(target), [...entries]);
      for (const { id } of entries) {
        const image = this.#images.get(id);
        if (image) image.lastTagged = nowInstant();
      }
    });
  }

  /** Takes names away from an image, and removes images, in one step. Blobs and layers are the sweep's. */
  drop(what: { names?: Reference[]; of?: string; ids?: string[] }): Promise<void> {
    return this.#writer.change(() => {
      for (const name of what.names ?? []) this.#take(key(name), what.of ?? '');
      for (const id of what.ids ?? []) {
        const image = this.#images.get(id);
        if (image) this.#loose.push(...blobsOf(image), ...image.config.rootfs.diff_ids);
        this.#images.delete(id);
        for (const name of this.#names.keys()) this.#take(name, id);
      }
    });
  }

  #take(name: string, id: string): void {
    const before = this.#names.get(name) ?? [];
    const left = before.filter((entry) => entry.id !== id);
    if (left.length === before.length) return;
    this.#loosen(before);
    if (left.length > 0) this.#names.set(name, left);
    else this.#names.delete(name);
  }

  #loosen(entries: NamedEntry[]): void {
    for (const { descriptor } of entries) this.#loose.push(descriptor.digest);
  }

  /** Whether an image refers to a blob. What the index on disk refers to counts until there is another. */
  refersToBlob(digest: string): boolean {
    return this.#marked().blobs.has(digest) || (this.#saved?.blobs.has(digest) ?? false);
  }

  /** The same of a layer. */
  refersToLayer(diffId: string): boolean {
    return this.#marked().diffIds.has(diffId) || (this.#saved?.diffIds.has(diffId) ?? false);
  }

  /** Whether an image has a stack of layers, alone or below others. */
  hasChain(chainId: string): boolean {
    return this.#marked().chainIds.has(chainId);
  }

  /** Made anew when something has changed. */
  #marked(): Marks {
    this.#marks ??= marksOf(
      this.#images.values(),
      [...this.#names.values()].flat().map(({ descriptor }) => descriptor.digest),
    );
    return this.#marks;
  }

  /** How changes come to disk. What is not on disk did not happen. */
  #writing(): Written {
    let images = new Map<string, ImageRecord>();
    let names = new Map<string, NamedEntry[]>();
    return {
      begin: () => {
        this.revision++;
        this.#saved = this.#marked();
        this.#marks = undefined;
        images = new Map(this.#images);
        names = new Map(this.#names);
      },
      write: () => this.#save(),
      commit: () => {
        this.#saved = undefined;
        this.#released(this.#loose.splice(0));
      },
      undo: () => {
        this.revision++;
        replace(this.#images, images);
        replace(this.#names, names);
        this.#marks = this.#saved;
        this.#saved = undefined;
        this.#loose.length = 0;
      },
    };
  }

  async #save(): Promise<void> {
    const entries: unknown[] = [];
    const named = new Set<string>();
    for (const [name, variants] of this.#names) {
      const { tag } = parseNamed(name);
      for (const { id, descriptor, index } of variants) {
        const image = this.#images.get(id);
        if (!image) continue;
        named.add(id);
        const more = { ...(tag ? { [REF_NAME]: tag } : {}), ...(index ? { [INDEX]: index } : {}) };
        entries.push({ ...descriptor, annotations: { [NAME]: name, ...more, ...own(image) } });
      }
    }
    for (const image of this.#images.values()) {
      if (!named.has(image.id)) entries.push({ ...image.manifestDescriptor, annotations: own(image) });
    }
    const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: entries };
    await writeJson(this.#file, index, { keepPrevious: true });
  }
}

function replace<K, V>(map: Map<K, V>, by: Map<K, V>): void {
  map.clear();
  for (const [key, value] of by) map.set(key, value);
}

function own(image: ImageRecord): { [annotation: string]: string } {
  return { ...(image.parent ? { [PARENT]: image.parent } : {}), ...(image.lastTagged ? { [TAGGED]: image.lastTagged } : {}) };
}

/** The name an entry is kept under: a digest wins over a tag. */
function key(reference: Reference): string {
  const { domain, path: repository, tag, digest } = withDefaultTag(reference);
  return format(digest === undefined ? { domain, path: repository, ...(tag ? { tag } : {}) } : { domain, path: repository, digest });
}
