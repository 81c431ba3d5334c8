import { forgetConnectionsTo, NETLINK_NETFILTER, Netlink } from '../../system/netns/index.ts';
import { changePublications } from '../../system/nft/elements.ts';
import { FirewalldZone } from '../../system/nft/firewalld.ts';
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
import { tableExists, watchRuleset } from '../../system/nft/watch.ts';
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
  readonly #zone: FirewalldZone;
  readonly #networks: () => NetworkRules[];
  /** Everything that is to be published, whatever the kernel has. */
  readonly #published = new Set<Publication>();
  readonly #netlink = new Netlink(NETLINK_NETFILTER);
  readonly #log: Log;
  /** `iptables` false: no rules at all; `ip6tables` false: IPv6 passes untouched. */
  readonly #families: { v4: boolean; v6: boolean };
  #watch: { close(): void } | undefined;

  constructor(instance: string, networks: () => NetworkRules[], families: { v4: boolean; v6: boolean }, log: Log) {
    this.#families = families;
    this.#table = instance;
    this.#zone = new FirewalldZone(this.#netlink);
    this.#forward = new ForwardAccept(instance.toUpperCase());
    this.#networks = networks;
    this.#log = log;
  }

  /** From now on the table is made again when somebody takes it away, and iptables' drops are met when they come. */
  watch(): void {
    if (!this.#families.v4) return;
    this.#watch ??= watchRuleset(this.#table, {
      tableGone: () => {
        if (!this.#nft.busy && !tableExists(this.#netlink, this.#table)) this.#remake('the table is gone').catch(this.#complain);
      },
      filterChanged: () => void this.#letThrough(),
      firewalldStarted: () => this.#zone.forget(),
    });
  }

  readonly #isOurs = ({ address }: Publication): boolean => this.#families.v6 || !address.includes(':');

  readonly #complain = (error: unknown): void => this.#log.error('packet filter table could not be made', { error: messageOf(error) });

  /** Makes the table anew in one transaction: what was published stays published without a gap. */
  async rebuild(): Promise<void> {
    if (!this.#families.v4) {
      // An earlier run of the engine may have had rules.
      if (tableExists(this.#netlink, this.#table)) await this.destroy();
      return;
    }
    await this.#nft.apply(tableScript(this.#table, this.#networks(), [...this.#published].filter(this.#isOurs), !this.#families.v6));
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
    for (const publication of publications) this.#published.add(publication);
    await this.#changePublished('add', publications);
  }

  async unpublish(publications: Publication[]): Promise<void> {
    const known = publications.filter((publication) => this.#published.delete(publication));
    await this.#changePublished('delete', known);
  }

  /** For `adopt`: to be published with the next rebuild. */
  expect(publications: Publication[]): void {
    for (const publication of publications) this.#published.add(publication);
  }

  async #changePublished(verb: 'add' | 'delete', publications: Publication[]): Promise<void> {
    const ours = this.#families.v4 ? publications.filter(this.#isOurs) : [];
    if (ours.length === 0) return;
    if (this.#nft.busy) {
      await this.#change(publishScript(this.#table, verb, ours));
      return;
    }
    try {
      changePublications(this.#netlink, this.#table, verb, ours);
    } catch (error) {
      await this.#remake(error);
    }
  }

  /** The connections of an address that goes to somebody else. */
  forget(address: string): void {
    forgetConnectionsTo(this.#netlink, address);
  }

  /** What is in the kernel stays. */
  close(): void {
    this.#watch?.close();
    this.#netlink.close();
  }

  async destroy(): Promise<void> {
    this.#watch?.close();
    await this.#nft.deleteTable(this.#table);
    await this.#forward.sync([], true);
    await this.#zone.sync([]).catch(this.#warn);
  }

  async #change(script: string): Promise<void> {
    if (!this.#families.v4) return;
    try {
      await this.#nft.apply(script);
    } catch (error) {
      await this.#remake(error);
    }
  }

  async #remake(error: unknown): Promise<void> {
    this.#log.warn('packet filter table is not as it was left: made again', { table: this.#table, error: messageOf(error) });
    await this.rebuild();
  }

  async #letThrough(): Promise<void> {
    if (!this.#families.v4) return;
    const networks = this.#networks();
    try {
      await this.#forward.sync(
        networks.map((network) => network.bridge),
        this.#families.v6 && networks.some((network) => network.subnets.some((subnet) => subnet.includes(':'))),
      );
    } catch (error) {
      this.#log.warn('iptables could not be told to forward our networks', { error: messageOf(error) });
    }
    await this.#zone.sync(networks.map((network) => network.bridge)).catch(this.#warn);
  }

  readonly #warn = (error: unknown): void =>
    this.#log.warn('firewalld could not be told to forward our networks', { error: messageOf(error) });
}
