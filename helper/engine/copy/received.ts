import type { CopyManifest } from '../../contract/copy.ts';
import type { ImageTarget } from '../images/index.ts';
import type { CopyDecoders } from './types.ts';

/** All of a copy, verified and laid aside. */
export interface Received {
  manifest: CopyManifest;
  image: ImageTarget;
  /** Folder of the writable layer. */
  upper: string | undefined;
  /** By name: the folder in the job's that becomes the volume. */
  volumes: Map<string, string>;
  /** What the container or volume is to be called. */
  name: string | undefined;
  decoders: CopyDecoders;
}
