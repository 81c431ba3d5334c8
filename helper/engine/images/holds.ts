/**
 * Who needs which layers besides images: containers, by their id. In memory; after a restart the containers say again
 * what they need (adoptLayers), and until they have, nothing is swept.
 */
import { createHash } from 'node:crypto';
import type { Layers } from '../../store/layers/layers.ts';
import { Failure } from '../failure.ts';

export class Holds {
  readonly #layers: Layers;
  readonly #released: (diffIds: Iterable<string>) => void;
  /** Owner to the diffIDs it needs. */
  readonly #owners = new Map<string, string[]>();
  /** diffID to the number of owners that need it. */
  readonly #counts = new Map<string, number>();
  /** chainID to diffID, found out once. */
  readonly #known = new Map<string, string>();

  /** @param released told of the layers that an owner has let go of */
  constructor(layers: Layers, released: (diffIds: Iterable<string>) => void) {
    this.#layers = layers;
    this.#released = released;
  }

  /**
   * diffIDs of a stack given by its chainIDs. A chainID is the hash of the chain below and a diffID, so the diffID is
   * the one layer of ours that fits: no second record of it is needed that could be lost.
   * @throws Failure notFound when a layer is not here
   */
  diffIds(chain: string[]): string[] {
    return chain.map((id, at) => {
      const known = this.#known.get(id);
      if (known && this.#layers.get(known)) return known;
      const below = chain[at - 1];
      for (const { diffId } of this.#layers.all()) {
        const here = below === undefined ? diffId : `sha256:${createHash('sha256').update(`${below} ${diffId}`).digest('hex')}`;
        if (here !== id) continue;
        this.#known.set(id, diffId);
        return diffId;
      }
      throw new Failure('notFound', `layer does not exist: ${id}`);
    });
  }

  set(owner: string, diffIds: string[]): void {
    for (const diffId of diffIds) this.#counts.set(diffId, (this.#counts.get(diffId) ?? 0) + 1);
    // After the new ones are counted: what it keeps is never loose.
    this.release(owner);
    this.#owners.set(owner, diffIds);
  }

  get(owner: string): string[] | undefined {
    return this.#owners.get(owner);
  }

  release(owner: string): void {
    const diffIds = this.#owners.get(owner);
    if (!diffIds) return;
    this.#owners.delete(owner);
    for (const diffId of diffIds) {
      const count = (this.#counts.get(diffId) ?? 0) - 1;
      if (count > 0) this.#counts.set(diffId, count);
      else this.#counts.delete(diffId);
    }
    this.#released(diffIds);
  }

  /** diffIDs that some owner needs. */
  held(): Set<string> {
    return new Set(this.#counts.keys());
  }

  needs(diffId: string): boolean {
    return this.#counts.has(diffId);
  }

  /** Chains with layers that are gone. */
  forget(diffIds: ReadonlySet<string>): void {
    for (const [chainId, diffId] of this.#known) if (diffIds.has(diffId)) this.#known.delete(chainId);
  }
}
