import type { Netlink } from '../netns/netlink.ts';
import { run } from './nft.ts';
import { tableExists } from './watch.ts';

/** All that comes from a link of this zone is accepted; the zone is part of every firewalld. */
const ZONE = 'trusted';

/**
 * firewalld rejects what it forwards between links that it knows nothing of, and an accept of ours does not outweigh that. Its own
 * way to let a link through is a zone: at run time only, so that nothing of it stays when we are gone. A reload forgets it.
 */
export class FirewalldZone {
  readonly #netlink: Netlink;
  readonly #added = new Set<string>();

  constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  /** firewalld made its table anew: what it was told is gone. */
  forget(): void {
    this.#added.clear();
  }

  /** Brings the zone to these bridges; nothing happens where firewalld does not run. @throws Error with firewall-cmd's words */
  async sync(bridges: string[]): Promise<void> {
    if (!tableExists(this.#netlink, 'firewalld')) {
      this.forget();
      return;
    }
    const missing = bridges.filter((bridge) => !this.#added.has(bridge));
    const gone = [...this.#added].filter((bridge) => !bridges.includes(bridge));
    // One that an administrator has put into another zone stays there.
    if (missing.length > 0) await run('firewall-cmd', [`--zone=${ZONE}`, ...missing.map((bridge) => `--add-interface=${bridge}`)]);
    for (const bridge of missing) this.#added.add(bridge);
    if (gone.length > 0) await run('firewall-cmd', [`--zone=${ZONE}`, ...gone.map((bridge) => `--remove-interface=${bridge}`)]);
    for (const bridge of gone) this.#added.delete(bridge);
  }
}
