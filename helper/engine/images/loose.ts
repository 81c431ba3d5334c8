/**
 * What somebody has let go of since the last sweep: digests of blobs, and diffIDs of layers. Whoever refers to something says here when
 * it does so no more, so a sweep looks at no more than that. In memory: after a restart all is looked at once.
 */
export class Loose {
  #digests = new Set<string>();

  readonly add = (digests: Iterable<string>): void => {
    for (const digest of digests) this.#digests.add(digest);
  };

  take(): Set<string> {
    const taken = this.#digests;
    this.#digests = new Set();
    return taken;
  }
}
