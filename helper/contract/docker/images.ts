import type { ContainerConfig } from './container-config.ts';
import type { Labels } from './labels.ts';

/** One entry of `GET /images/json`. */
export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  Created: number;
  Size: number;
  SharedSize: number;
  VirtualSize?: number;
  Labels: Labels | null;
  Containers: number;
  /** Only when asked for, from 1.47 on. */
  Manifests?: ImageManifestSummary[];
}

/** What an image is made of for one platform. Source: Docker API 1.48, ImageManifestSummary */
export interface ImageManifestSummary {
  /** Digest of the manifest. */
  ID: string;
  Descriptor: { mediaType: string; digest: string; size: number; platform?: { architecture: string; os: string; variant?: string } };
  /** Nothing of it is missing here. */
  Available: boolean;
  /** Bytes. */
  Size: { Total: number; Content: number };
  Kind: 'image';
  ImageData: {
    Platform: { architecture: string; os: string; variant?: string };
    Size: { Unpacked: number };
    Containers: string[];
  };
}

/** `GET /images/{name}/json`. */
export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created?: string;
  DockerVersion: string;
  Author: string;
  Config: ContainerConfig;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  Size: number;
  VirtualSize?: number;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  RootFS: { Type: string; Layers?: string[] };
  Metadata: { LastTagTime: string };
  /** Only when asked for, from 1.48 on. */
  Manifests?: ImageManifestSummary[];
}

export interface ImageHistoryEntry {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

export type ImageDeleteEntry = { Untagged: string } | { Deleted: string };

/** One JSON line of a pull, push, load, import or build stream. */
export interface ProgressMessage {
  stream?: string;
  status?: string;
  id?: string;
  progress?: string;
  progressDetail?: {
    current?: number;
    total?: number;
    hidecounts?: boolean;
    units?: string;
  };
  error?: string;
  errorDetail?: { code?: number; message: string };
  aux?: unknown;
}
