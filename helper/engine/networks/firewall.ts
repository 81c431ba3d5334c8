import { ForwardAccept } from '../../system/nft/forward-accept.ts';
import { Nft } from '../../system/nft/nft.ts';
import {
  addNetworkScript,
  type NetworkRules,
  type Publication,
  publishScript,
  removeNetworkScript,
  tableScript,
} from '../../system/nft/script.ts';
import type { Log } from '../context.ts';
import { messageOf } from '../failure.ts';

/**
 * The instance's nft table. Small changes are made as such; when one fails because the table is not as we left it
 * (`nft flush ruleset` by a firewall's reload) the whole table is made again from what should be.
 */
export class Firewall {
  readonly #table: string;
  readonly #nft = new Nft();
  readonly #forward: ForwardAccept;
  readonly #wanted: () => { networks: NetworkRules[]; publications: Publication[] };
  readonly #log: Log;

  constructor(instance: string, wanted: () => { networks: NetworkRules[]; publications: Publication[] }, log: Log) {
    this.#table = instance;
    this.#forward = new ForwardAccept(instance.toUpperCase());
    this.#wanted = wanted;
    this.#log = log;
  }

  /** Makes the table anew in one transaction: what was published stays published without a gap. */
  async rebuild(): Promise<void> {
    const { networks, publications } = this.#wanted();
    await this.#nft.apply(tableScript(this.#table, networks, publications));
    await this.#letThrough();
  }

  async addNetwork(rules: NetworkRules): Promise<void> {
    await this.#change(addNetworkScript(this.#table, rules));
    await this.#letThrough();
  }

  async removeNetwork(rules: NetworkRules): Promise<void> {
    await this.#change(removeNetworkScript(this.#table, rules));
    await this.#letThrough();
  }

  async publish(publications: Publication[]): Promise<void> {
    if (publications.length > 0) await this.#change(publishScript(this.#table, 'add', publications));
  }

  async unpublish(publications: Publication[]): Promise<void> {
    if (publications.length > 0) await this.#change(publishScript(this.#table, 'delete', publications));
  }

  async destroy(): Promise<void> {
    await this.#nft.deleteTable(this.#table);
    await this.#forward.sync([], true);
  }

  async #change(script: string): Promise<void> {
    try {
      await this.#nft.apply(script);
    } catch (error) {
      this.#log.warn('packet filter table is not as it was left: made again', { table: this.#table, error: messageOf(error) });
      await this.rebuild();
    }
  }

  async #letThrough(): Promise<void> {
    const { networks } = this.#wanted();
    try {
      await this.#forward.sync(
        networks.map((network) => network.bridge),
        networks.some((network) => network.subnets.some((subnet) => subnet.includes(':'))),
      );
    } catch (error) {
      this.#log.warn('iptables could not be told to forward our networks', { error: messageOf(error) });
    }
  }
}
