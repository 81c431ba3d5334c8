/**
 * Copies of images, containers and volumes from one of our engines to another, below `/gantry/v1/copy`. A client asks the source for a
 * plan, asks the target what of it is there, and carries the source's stream to the target, which applies all of it or nothing.
 * Documented in docs/api-gantry-copy.md.
 */
import type { ContainerCreateRequest, Labels, NetworkCreateRequest } from './docker/index.ts';

export type CopyKind = 'image' | 'container' | 'volume';

/** Media type of the stream between `send` and `receive`. */
export type CopyMediaType = 'application/vnd.gantry.copy';

/** `GET /gantry/v1/copy/plan?kind=&name=`: what a copy consists of. Sizes in bytes. */
export interface CopyPlan {
  Kind: CopyKind;
  /** Of the container or volume; what the client called an image. */
  Name: string;
  /** None for a volume, and for a container of no image. */
  Image?: CopyPlanImage;
  /** Of a container. */
  Container?: {
    Id: string;
    Running: boolean;
    Paused: boolean;
    /** It is removed as soon as it stops: it can be copied, and not moved. */
    AutoRemove: boolean;
    Privileged: boolean;
    /** What it has written over its image. */
    WritableBytes: number;
    /** Folders of the host that it sees: they don't travel. */
    Binds: string[];
    /** Host ports that it publishes, as `8080/tcp`. */
    Ports: string[];
  };
  Volumes: CopyPlanVolume[];
  /** User-defined networks that the target needs. */
  Networks: string[];
  /** In words: what will differ on the target. */
  Warnings: string[];
}

export interface CopyPlanImage {
  Id: string;
  /** Familiar names that it will have on the target. */
  Names: string[];
  /** Base first. `Bytes` is what travels of a layer. */
  Layers: { DiffId: string; Bytes: number }[];
}

export interface CopyPlanVolume {
  Name: string;
  Anonymous: boolean;
  /** -1: can't be read. */
  Bytes: number;
  /** False when its data lies elsewhere (an NFS share, a folder of the host): only its options travel. */
  Data: boolean;
  /** Names of running containers that use it. */
  UsedBy: string[];
}

/** `POST /gantry/v1/copy/have`: what of these there is. */
export interface CopyHaveRequest {
  /** diffIDs of layers. */
  Layers?: string[];
  /** Names of images. */
  Names?: string[];
  Containers?: string[];
  Volumes?: string[];
  Networks?: string[];
}

export interface CopyHave {
  Layers: string[];
  /** Name to id of the image that has it. */
  Names: Record<string, string>;
  Containers: string[];
  Volumes: string[];
  Networks: string[];
}

/** `POST /gantry/v1/copy/send` */
export interface CopySendRequest {
  Kind: CopyKind;
  Name: string;
  /** diffIDs that the target has: they are left out. */
  Have?: string[];
  /** Volumes whose data is left out: the target's own are used. */
  LeaveVolumes?: string[];
  /** Running containers whose files are read are paused until they are read. Default: true. */
  Pause?: boolean;
}

/** The last line of `POST /gantry/v1/copy/receive` has this as `aux`. */
export interface CopyResult {
  Kind: CopyKind;
  /** Of the image or container; a volume's name. */
  Id: string;
  Name: string;
  Warnings: string[];
}

/** The first message of the stream: all that is known before any data comes. */
export interface CopyManifest {
  Type: 'manifest';
  Version: 1;
  Kind: CopyKind;
  Image?: CopyImage;
  Container?: CopyContainer;
  Volumes: CopyVolume[];
  Networks: NetworkCreateRequest[];
}

export interface CopyImage {
  Id: string;
  /** Full references. */
  Names: string[];
  /** Base64 of the image's config and manifest, byte for byte: their digests are the image's identity. */
  Config: string;
  Manifest: string;
  MediaType: string;
  Layers: CopyLayer[];
}

export interface CopyLayer {
  DiffId: string;
  /** Of the bytes that travel, compressed as the source has them. */
  Digest: string;
  Size: number;
  /** Whether they come in this stream. */
  Sent: boolean;
}

export interface CopyContainer {
  Name: string;
  /** What the user called its image. */
  ImageName: string;
  Request: ContainerCreateRequest;
  /** Anonymous volumes by their place in the container. */
  Anonymous: Record<string, string>;
  Warnings: string[];
}

export interface CopyVolume {
  Name: string;
  Anonymous: boolean;
  Labels: Labels;
  Options: Record<string, string>;
  /** Whether its data comes in this stream. */
  Sent: boolean;
}

/** Messages of the stream after the manifest, each in a frame of its own; data is in frames between them. */
export type CopyMessage =
  | CopyManifest
  /** Begins a layer: its bytes follow as data. */
  | { Type: 'layer'; DiffId: string }
  /** Begins a folder: `upper` is the container's writable layer. Its entries follow, a folder before what is in it. */
  | { Type: 'tree'; Tree: 'upper' | 'volume'; Name: string }
  | CopyEntry
  /** Ends a layer or a folder. Of a folder: SHA-256 of all its frames. */
  | { Type: 'end'; Sha256: string }
  /** All was sent. */
  | { Type: 'done' }
  /** The source gave up. */
  | { Type: 'failed'; Message: string };

/** One entry of a folder. Names hold one latin1 character a byte, so that any name travels. */
export interface CopyEntry {
  Type: 'entry';
  /** Below the folder, `a/b`; empty for the folder itself. */
  Path: string;
  Kind: 'folder' | 'file' | 'symlink' | 'character' | 'block' | 'fifo' | 'link';
  /** Permission bits (0o7777). */
  Mode: number;
  Uid: number;
  Gid: number;
  /** Nanoseconds since the epoch, decimal. */
  Mtime: string;
  /** Of a file: as many bytes follow, in frames of data and of holes. */
  Size?: number;
  /** Target of a symlink. */
  Target?: string;
  /** Of a device. */
  Major?: number;
  Minor?: number;
  /** Of a file with several names: the first one counts it, each `link` refers to it. */
  Node?: number;
  /** Extended attributes, values in base64. */
  Xattrs?: Record<string, string>;
}
