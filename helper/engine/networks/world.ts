import path from 'node:path';
import { Netlink } from '../../system/netns/index.ts';
import type { NetworkRules } from '../../system/nft/script.ts';
import type { EngineContext } from '../context.ts';
import type { Events } from '../events/types.ts';
import { Failure } from '../failure.ts';
import { KeyedQueue } from '../queue.ts';
import { Firewall } from './firewall.ts';
import { type Endpoint, type LiveSandbox, Network } from './model.ts';
import { PortTable } from './ports/publish.ts';
import { rulesOf } from './rules.ts';
import { NetworkStore, type StoredNetwork } from './store.ts';

/** What all verbs on networks share. */
export class World {
  readonly context: EngineContext;
  readonly events: Events;
  readonly store: NetworkStore;
  /** rtnetlink in the host's namespace. */
  readonly host = new Netlink();
  readonly firewall: Firewall;
  readonly ports: PortTable;
  readonly networks = new Map<string, Network>();
  /** By container id. */
  readonly sandboxes = new Map<string, LiveSandbox>();
  readonly queue = new KeyedQueue();

  constructor(context: EngineContext, events: Events) {
    this.context = context;
    this.events = events;
    this.store = new NetworkStore(path.join(context.paths.data, 'networks'), context.log);
    this.ports = new PortTable(context.config.userlandProxy);
    this.firewall = new Firewall(
      context.instance,
      () => [...this.networks.values()].flatMap((network) => this.rulesOf(network) ?? []),
      { v4: context.config.iptables, v6: context.config.ip6tables },
      context.log,
    );
  }

  /** What the packet filter has to know of a bridge network; undefined for others. */
  rulesOf(network: Network): NetworkRules | undefined {
    return rulesOf(network, this.context.config.userlandProxy);
  }

  get namespaces(): string {
    return path.join(this.context.paths.run, 'netns');
  }

  add(stored: StoredNetwork): Network {
    const network = new Network(stored);
    this.networks.set(network.id, network);
    return network;
  }

  /** As `tryFind`. @throws Failure notFound too */
  find(reference: string): Network {
    const found = this.tryFind(reference);
    if (!found) throw new Failure('notFound', `network ${reference} not found`);
    return found;
  }

  /** By full id, then name, then a unique prefix of an id. @throws Failure invalidParameter when ambiguous */
  tryFind(reference: string): Network | undefined {
    const wanted = reference === 'default' ? 'bridge' : reference;
    const byId = this.networks.get(wanted);
    if (byId) return byId;
    const all = [...this.networks.values()];
    const byName = all.find((network) => network.name === wanted);
    if (byName) return byName;
    const byPrefix = /^[0-9a-f]+$/.test(wanted) ? all.filter((network) => network.id.startsWith(wanted)) : [];
    if (byPrefix.length > 1) {
      throw new Failure('invalidParameter', `network ${reference} is ambiguous (${byPrefix.length} matches found based on ID prefix)`);
    }
    return byPrefix[0];
  }

  publishNetworkEvent(action: string, network: Network, attributes: Record<string, string> = {}): void {
    this.events.publish('network', action, network.id, { name: network.name, type: network.stored.driver, ...attributes });
  }

  endpointEvent(action: 'connect' | 'disconnect', endpoint: Endpoint): void {
    this.publishNetworkEvent(action, endpoint.network, { container: endpoint.containerId });
  }
}
