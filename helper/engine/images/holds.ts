/**
 * Who needs which layers besides images: containers, by their id. In memory; after a restart the containers say again
 * what they need (adoptLayers), and until they have, nothing is swept.
 */
import { createHash } from 'node:crypto';
import type { Layers } from '../../store/layers/layers.ts';
import { Failure } from '../failure.ts';

export class Holds {
  readonly #layers: Layers;
  /** Owner to the diffIDs it needs. */
  readonly #owners = new Map<string, string[]>();
  /** chainID to diffID, found out once. */
  readonly #known = new Map<string, string>();

  constructor(layers: Layers) {
    this.#layers = layers;
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
    this.#owners.set(owner, diffIds);
  }

  get(owner: string): string[] | undefined {
    return this.#owners.get(owner);
  }

  release(owner: string): void {
    this.#owners.delete(owner);
  }

  /** diffIDs that some owner needs. */
  held(): Set<string> {
    return new Set([...this.#owners.values()].flat());
  }

  forgetChains(): void {
    this.#known.clear();
  }
}
