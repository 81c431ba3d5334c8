import { createHash } from 'node:crypto';
import { Failure, messageOf } from '../failure.ts';
import { checkConfig } from './config-file.ts';
import type { Descriptor, Manifest } from './manifest.ts';
import type { ImageConfigFile } from './types.ts';

/** An image as it is kept in memory. */
export interface ImageRecord {
  id: string;
  config: ImageConfigFile;
  manifest: Manifest;
  manifestDescriptor: Descriptor;
  chain: string[];
  /** Local parent (commit, build), as dockerd keeps it. */
  parent: string | undefined;
  lastTagged: string | undefined;
}

/** chainIDs of a stack of layers, from the base up. Source: OCI image config, "Layer ChainID" */
export function chainOf(diffIds: string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : `sha256:${createHash('sha256').update(`${below} ${diffId}`).digest('hex')}`);
  }
  return chain;
}

export function record(
  id: string,
  config: ImageConfigFile,
  manifest: Manifest,
  manifestDescriptor: Descriptor,
  parent: string | undefined,
  lastTagged: string | undefined,
): ImageRecord {
  return { id, config, manifest, manifestDescriptor, chain: chainOf(config.rootfs.diff_ids), parent, lastTagged };
}

/** @throws Failure invalidParameter on a config that no image can have */
export function parseConfig(data: Uint8Array): ImageConfigFile {
  try {
    const value = checkConfig(JSON.parse(Buffer.from(data).toString()));
    return { ...value, rootfs: { type: 'layers', diff_ids: value.rootfs?.diff_ids ?? [] } } as ImageConfigFile;
  } catch (error) {
    throw new Failure('invalidParameter', `invalid image config: ${messageOf(error)}`);
  }
}
