import type { BinEntry, BinRequest, GantryInfo, RestoreAnswer } from '../../contract/gantry.ts';

export interface RemovalOptions {
  force: boolean;
  volumes: boolean;
  link: boolean;
  client?: string;
}

/** Removed containers and volumes that can be put back, until they are too old or too much. */
export interface Bin {
  /** Before containers start: what lies in it keeps its layers. */
  start(): Promise<void>;
  stop(): Promise<void>;
  describe(): GantryInfo['Bin'];
  /** Newest first. */
  list(): BinEntry[];
  /** @throws Failure conflict when it is too large for the bin or can't come back, and what removals throw */
  put(request: BinRequest & { client?: string }): Promise<BinEntry>;
  /** @throws Failure notFound, conflict when its name is taken */
  restore(id: string, name: string | undefined): Promise<RestoreAnswer>;
  /** For good. @throws Failure notFound */
  remove(id: string): Promise<void>;
  /** For good. @returns how many entries, and the bytes of their files */
  empty(): Promise<{ Removed: number; Bytes: number }>;

  /** DELETE /containers/{id}: into the bin where the configuration says so, and it can come back; else for good. */
  removeContainer(reference: string, options: RemovalOptions): Promise<void>;
  /** DELETE /volumes/{name}: likewise. */
  removeVolume(name: string, force: boolean): Promise<void>;
}
