import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import type { RuntimeSpec } from '../runtime/types.ts';

/** crun takes a compiled filter from here instead of compiling `linux.seccomp`. Source: crun(1), run.oci.seccomp_bpf_data. */
const ANNOTATION = 'run.oci.seccomp_bpf_data';
/** Profiles of users are few; a client that sends a new one with each container must not fill memory. */
const MOST = 64;

/**
 * Compiling Docker's default filter takes crun 15 ms, the longest part of a start, for always the same 8 KB. The filter that crun
 * left in its state folder is kept in memory, by profile, and given to the next container. One runtime and one machine, so nothing
 * else decides what it compiles to; a new helper begins anew.
 */
export class SeccompCache {
  #runtimeRoot: string;
  #filters = new Map<string, string>();

  constructor(runtimeRoot: string) {
    this.#runtimeRoot = runtimeRoot;
  }

  /** The spec with the compiled filter if there is one, and what to call once the container was created. */
  prepare(spec: RuntimeSpec): { spec: RuntimeSpec; learn: (id: string) => Promise<void> } {
    const profile = spec.linux.seccomp;
    const nothing = async (): Promise<void> => undefined;
    if (!profile || spec.annotations?.[ANNOTATION] !== undefined) return { spec, learn: nothing };
    const key = createHash('sha256').update(JSON.stringify(profile)).digest('base64');
    const filter = this.#filters.get(key);
    if (filter === undefined) return { spec, learn: (id) => this.#learn(key, id) };
    const { seccomp: _, ...linux } = spec.linux;
    return { spec: { ...spec, linux, annotations: { ...spec.annotations, [ANNOTATION]: filter } }, learn: nothing };
  }

  async #learn(key: string, id: string): Promise<void> {
    const filter = await fs.readFile(path.join(this.#runtimeRoot, id, 'seccomp.bpf')).catch(() => undefined);
    // A filter is a whole number of 8-byte instructions; anything else is not one to trust.
    if (!filter?.length || filter.length % 8 !== 0 || this.#filters.size >= MOST) return;
    this.#filters.set(key, filter.toString('base64'));
  }
}
