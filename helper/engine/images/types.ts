import type { Readable } from 'node:stream';
import type {
  ContainerConfig,
  ImageDeleteEntry,
  ImageHistoryEntry,
  ImageInspect,
  ImageSummary,
  ProgressMessage,
  RegistryAuth,
} from '../../contract/docker/index.ts';
import type { ImageLayers, LayerFiles } from '../../contract/gantry.ts';
import type { SearchResult } from '../../registry/search.ts';
import type { Filters } from '../events/types.ts';

export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
}

/** An OCI image config as the store holds it (Docker's history and config fields included). */
export interface ImageConfigFile {
  architecture: string;
  os: string;
  variant?: string;
  created?: string;
  author?: string;
  config?: ContainerConfig;
  rootfs: { type: 'layers'; diff_ids: string[] };
  history?: {
    created?: string;
    created_by?: string;
    author?: string;
    comment?: string;
    empty_layer?: boolean;
  }[];
  [field: string]: unknown;
}

/** What a container needs to know of its image. */
export interface ResolvedImage {
  /** `sha256:…` of the image config (the Docker image ID). */
  id: string;
  config: ImageConfigFile;
  /** chainIDs from the base up, one for each diffID. */
  chain: string[];
  /** Total size of the layers in bytes. */
  size: number;
}

/** Without a tag: all tags of the name. Without a platform: this machine's. */
export interface PushOptions {
  image: string;
  tag?: string;
  auth?: RegistryAuth;
  platform?: Platform;
}

/** What a copy of an image is made of. Its layers stay until `release`. */
export interface ImageSource {
  id: string;
  /** Full references: the one it was asked for by, or all of them. */
  names: string[];
  /** The same, as users write them. */
  familiarNames: string[];
  config: Buffer;
  manifest: { mediaType: string; data: Buffer };
  layers: { diffId: string; digest: string; size: number }[];
  /** The bytes of a layer as they are kept. */
  open(diffId: string): Readable;
  release(): void;
}

/** An image that comes from another engine, part by part; nothing of it is there for others before `register`. */
export interface ImageTarget {
  /** Whether the layer is here; it then stays. */
  has(diffId: string): boolean;
  /** @throws Failure when the bytes are not the layer that was said */
  add(layer: { diffId: string; digest: string }, bytes: AsyncIterable<Buffer>): Promise<void>;
  /**
   * @param names full references; with `keepNames` those that other images have are left to them
   * @returns whether the image is new here
   */
  register(
    image: { id: string; config: Buffer; manifest: { mediaType: string; data: Buffer }; names: string[] },
    options: { keepNames: boolean },
  ): Promise<{ added: boolean }>;
  /** However it ended. Layers that no image refers to go. */
  release(): Promise<void>;
}

/** Read-only layers, ready to be the lower directories of an overlay. */
export interface LowerLayers {
  /** Top-most first, as overlayfs' `lowerdir` wants them. */
  directories: string[];
}

export interface Images {
  /** Loads what is on disk; removes what half-done work left. */
  start(): Promise<void>;
  list(options: { all: boolean; filters: Filters; digests: boolean; sharedSize: boolean; manifests?: boolean }): Promise<ImageSummary[]>;
  /** With a platform: the image of this name for it. @throws Failure notFound */
  inspect(reference: string, platform?: Platform, manifests?: boolean): Promise<ImageInspect>;
  history(reference: string, platform?: Platform): Promise<ImageHistoryEntry[]>;
  /** What is in each layer, and what is wasted. @throws Failure notFound */
  layers(reference: string, signal: AbortSignal): Promise<ImageLayers>;
  /** One folder of one layer. @throws Failure notFound */
  layerFiles(reference: string, diffId: string, path: string): Promise<LayerFiles>;
  tag(reference: string, repository: string, tag: string): Promise<void>;
  remove(reference: string, options: { force: boolean; prune: boolean; platform?: Platform }): Promise<ImageDeleteEntry[]>;
  prune(filters: Filters): Promise<{ ImagesDeleted: ImageDeleteEntry[]; SpaceReclaimed: number }>;
  /**
   * POST /images/create?fromImage=. Progress as dockerd streams it. Failures before the first message are thrown
   * (and become a status); later ones are thrown by the iteration (and become an `error` line).
   */
  pull(
    options: {
      image: string;
      tag?: string;
      platform?: string;
      auth?: RegistryAuth;
    },
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>>;
  push(options: PushOptions, signal: AbortSignal): Promise<AsyncIterable<ProgressMessage>>;
  /** POST /images/load: docker-save and OCI archives, optionally gzip, zstd, bzip2 or xz compressed. */
  load(archive: Readable, options: { quiet: boolean; platform?: Platform }, signal: AbortSignal): Promise<AsyncIterable<ProgressMessage>>;
  /** GET /images/{name}/get and /images/get?names=: an archive that is both a docker-save and an OCI one. */
  save(references: string[], platform: Platform | undefined, signal: AbortSignal): Promise<Readable>;
  /** POST /images/create?fromSrc=-: a root file system as one layer. `changes` are Dockerfile lines. */
  import(
    archive: Readable,
    options: {
      repository?: string;
      tag?: string;
      message?: string;
      changes: string[];
      platform?: string;
    },
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>>;
  /** GET /images/search. @param query.limit 0: as many as are usual */
  search(
    query: { term: string; limit: number; filters: Filters; auth: RegistryAuth | undefined },
    signal: AbortSignal,
  ): Promise<SearchResult[]>;
  /** POST /auth */
  authenticate(auth: RegistryAuth, signal: AbortSignal): Promise<{ Status: string; IdentityToken: string }>;
  /** GET /distribution/{name}/json */
  distribution(reference: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<unknown>;
  usage(): Promise<{ layersSize: number; images: ImageSummary[] }>;
  count(): number;
  /** For a copy to another engine. @throws Failure notFound */
  outgoing(reference: string): Promise<ImageSource>;
  /** For a copy from another engine. */
  incoming(signal: AbortSignal): ImageTarget;
  /** Those of these layers that are here, whole. */
  present(diffIds: string[]): string[];

  /** For containers: name, tag, digest, or (a prefix of) an id. @throws Failure notFound `No such image: REF` */
  resolve(reference: string, platform?: string): Promise<ResolvedImage>;
  /** What a name or a prefix of an id means now; undefined: no image, or none alone. Costs nothing as long as the images are the same. */
  idOf(reference: string): string | undefined;
  /** Mounts or finds the layers of `chain`, kept until `releaseLayers(owner)`. Owner is a container id. */
  acquireLayers(chain: string[], owner: string): Promise<LowerLayers>;
  /** Where the layers of `chain` are now, top-most first: folders, or the files of those that are not mounted. Empty when one is lost. */
  placesOf(chain: string[]): string[];
  releaseLayers(owner: string): Promise<void>;
  /** Keeps layers for an owner who does not need them mounted now; at start, before the containers adopt theirs. */
  holdLayers(owner: string, chain: string[]): void;
  /** After a restart of the helper: these owners still use these layers; all others' mounts may go. */
  adoptLayers(inUse: { owner: string; chain: string[] }[]): Promise<void>;
  /** For commit and builds: a new image from a parent chain and the tar of one more layer (none for a config-only image). */
  create(
    options: {
      parent?: ResolvedImage;
      layer?: Readable;
      config: Omit<ImageConfigFile, 'rootfs'>;
      repository?: string;
      tag?: string;
    },
    signal: AbortSignal,
  ): Promise<string>;
}

/** What images must know of containers: which use an image, in order to refuse its removal. Given at construction. */
export type ImageUsage = (imageId: string) => { id: string; name: string; running: boolean }[];
