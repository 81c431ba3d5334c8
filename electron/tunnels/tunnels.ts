import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { EngineClient } from '../engine-client/index.ts';
import { onceATurn } from '../hosts/once-a-turn.ts';
import type { Host, HostEvent, OpenedTunnel, OpenTunnel, Tunnel as TunnelInfo } from '../ipc/contract.ts';
import type { JsonFile } from '../store/json-file.ts';
import type { TunnelRecord, TunnelsFile } from './records.ts';
import { TunnelFailure } from './trouble.ts';
import { Tunnel } from './tunnel.ts';

export interface TunnelsOptions {
  file: JsonFile<TunnelsFile>;
  /** @throws Error with a sentence for the user if the host is not connected */
  client: (hostId: string) => EngineClient;
  dial: (hostId: string, address: string, port: number, signal: AbortSignal) => Promise<Duplex>;
  onChange: (tunnels: TunnelInfo[]) => void;
  log: (text: string) => void;
}

const LIMIT = 200;

/**
 * All tunnels, from any host. They are remembered: one whose host was lost, or that was open when the app ended, is closed and offered
 * again once the host is there; nothing opens by itself.
 */
export class Tunnels {
  readonly #options: TunnelsOptions;
  readonly #tunnels = new Map<string, Tunnel>();
  readonly #status = new Map<string, Host['state']['status']>();
  readonly #announce = onceATurn(() => this.#options.onChange(this.list()));

  constructor(options: TunnelsOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    const { value, damaged } = await this.#options.file.read({ version: 1, tunnels: [] });
    if (damaged) this.#options.log(`The list of tunnels was damaged; it lies at ${damaged}`);
    for (const record of value.tunnels.slice(0, LIMIT)) this.#add(record);
    this.#announce();
  }

  list(): TunnelInfo[] {
    return [...this.#tunnels.values()].map(({ info }) => info);
  }

  /** Opens a tunnel; the one that leads there already is taken. */
  async open({ hostId, containerId, containerName, port }: OpenTunnel): Promise<OpenedTunnel> {
    const leadsThere = ({ record }: Tunnel) => record.hostId === hostId && record.containerId === containerId && record.port === port;
    const known = [...this.#tunnels.values()].find(leadsThere);
    if (known) return this.#opened(known, false);
    if (this.#tunnels.size >= LIMIT) throw new Error(`There are ${LIMIT} tunnels: stop one first`);
    const id = `n${randomBytes(4).toString('hex')}`;
    return this.#opened(this.#add({ id, hostId, containerId, containerName, port, localPort: port, wanted: false }), true);
  }

  async reopen(id: string): Promise<OpenedTunnel> {
    return this.#opened(this.#get(id), false);
  }

  /** Closes it and all connections through it, and forgets it. */
  async stop(id: string): Promise<void> {
    this.#get(id).close(false);
    this.#tunnels.delete(id);
    await this.#changed();
  }

  /** Those of a host are not offered any more; they stay in the list. */
  async notNow(hostId: string): Promise<void> {
    for (const tunnel of this.#tunnels.values()) {
      if (tunnel.record.hostId === hostId && !tunnel.isOpen) tunnel.record = { ...tunnel.record, wanted: false };
    }
    await this.#changed();
  }

  /** At the app's end: they are offered again at its next start. */
  async closeAll(): Promise<void> {
    for (const tunnel of this.#tunnels.values()) tunnel.close(tunnel.record.wanted);
    await this.#options.file.settled();
  }

  onHosts(hosts: Host[]): void {
    const before = new Map(this.#status);
    this.#status.clear();
    for (const { id, state } of hosts) this.#status.set(id, state.status);
    let changed = false;
    for (const tunnel of [...this.#tunnels.values()]) {
      const host = hosts.find(({ id }) => id === tunnel.record.hostId);
      if (!host) {
        tunnel.close(false);
        this.#tunnels.delete(tunnel.record.id);
        changed = true;
      } else if (tunnel.isOpen && isLost(host)) {
        tunnel.close(true);
        changed = true;
      } else if (host.state.status === 'connected' && before.get(host.id) !== 'connected') {
        // Nobody told us what happened to its containers meanwhile.
        tunnel.forgetTarget();
      }
    }
    if (changed) void this.#changed();
  }

  onEvents(events: HostEvent[]): void {
    for (const { hostId, message } of events) {
      const id = containerOf(message);
      if (id === undefined) continue;
      for (const tunnel of this.#tunnels.values()) {
        if (tunnel.record.hostId === hostId && tunnel.record.containerId === id) tunnel.forgetTarget();
      }
    }
  }

  async #opened(tunnel: Tunnel, isNew: boolean): Promise<OpenedTunnel> {
    try {
      await tunnel.open();
    } catch (error) {
      if (!(error instanceof TunnelFailure)) throw error;
      if (isNew) this.#tunnels.delete(tunnel.record.id);
      return { trouble: error.trouble };
    }
    await this.#changed();
    return { tunnel: tunnel.info };
  }

  #add(record: TunnelRecord): Tunnel {
    const { hostId, id } = record;
    const reach = {
      client: () => this.#options.client(hostId),
      dial: (address: string, port: number, signal: AbortSignal) => this.#options.dial(hostId, address, port, signal),
    };
    const tunnel = new Tunnel(record, reach, () => this.#announce());
    this.#tunnels.set(id, tunnel);
    return tunnel;
  }

  #get(id: string): Tunnel {
    const tunnel = this.#tunnels.get(id);
    if (!tunnel) throw new Error('This tunnel was stopped');
    return tunnel;
  }

  async #changed(): Promise<void> {
    this.#announce();
    await this.#options.file.write({ version: 1, tunnels: [...this.#tunnels.values()].map(({ record }) => record) });
  }
}

/** An engine that restarts leaves its containers running, and the way to them stands; a lost machine takes it away. */
function isLost({ kind, state }: Host): boolean {
  // Silence is a lost machine, too: after a sleep its connection is dead without having been told.
  return kind === 'ssh' && 'error' in state && (state.error.code.startsWith('ssh-') || state.error.code === 'timeout');
}

/** After these it may have another address, or none. */
const MOVES = new Set(['start', 'die', 'destroy']);

/** The container whose place in the networks an event may have changed. */
function containerOf(message: unknown): string | undefined {
  const { Type, Action, Actor } = (message ?? {}) as { Type?: unknown; Action?: unknown; Actor?: { ID?: unknown; Attributes?: unknown } };
  if (Type === 'container' && typeof Action === 'string' && MOVES.has(Action)) return textOf(Actor?.ID);
  if (Type === 'network') return textOf((Actor?.Attributes as { container?: unknown } | undefined)?.container);
  return undefined;
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
