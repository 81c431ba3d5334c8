import { randomBytes } from 'node:crypto';
import type { EngineClient } from '../engine-client/index.ts';
import type { FoundEngine, Host, HostColour, HostEvent, NewSocketHost } from '../ipc/contract.ts';
import type { JsonFile } from '../store/json-file.ts';
import { Batch } from './batch.ts';
import { type ConnectionOptions, HostConnection } from './connection.ts';
import { detect, usualSockets } from './detect.ts';
import { unixDialer } from './dial-unix.ts';
import { firstHosts, type HostRecord, type HostsFile, LOCAL_ID } from './records.ts';

/** How the local engine is reached and, when it is down, started. */
export interface LocalEngine {
  socketPath: string;
  prepare: NonNullable<ConnectionOptions['prepare']>;
}
export interface HostsOptions {
  file: JsonFile<HostsFile>;
  local: LocalEngine;
  onChange: (hosts: Host[]) => void;
  onEvents: (events: HostEvent[]) => void;
  log: (text: string) => void;
}

interface Entry {
  record: HostRecord;
  connection: HostConnection;
}

/** Events of one host within this time reach the window as one message. */
const EVENTS_MS = 16;

/** The host list: kept on disk, one connection each. */
export class Hosts {
  readonly #options: HostsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #events: Batch<HostEvent>;
  #announcing = false;

  constructor(options: HostsOptions) {
    this.#options = options;
    this.#events = new Batch(EVENTS_MS, options.onEvents);
  }

  async start(): Promise<void> {
    const { value, damaged } = await this.#options.file.read(firstHosts);
    if (damaged) this.#options.log(`The host list was damaged; it lies at ${damaged}`);
    const records = value.hosts.some((host) => host.id === LOCAL_ID) ? value.hosts : [...firstHosts.hosts, ...value.hosts];
    for (const record of records) this.#add(record);
    this.#announce();
  }

  async stop(): Promise<void> {
    this.#events.stop();
    await Promise.all([...this.#entries.values()].map((entry) => entry.connection.stop()));
  }

  list(): Host[] {
    return [...this.#entries.values()].map(({ record, connection }) => {
      const { id, name, colour, kind, socketPath } = record;
      return { id, name, colour, kind, ...(socketPath !== undefined && { socketPath }), state: connection.state };
    });
  }

  detect(): Promise<FoundEngine[]> {
    const known = [...this.#entries.values()].map(({ record }) => this.#socketOf(record));
    return detect(usualSockets(process.env), known);
  }

  async addSocket(host: NewSocketHost): Promise<Host> {
    const same = [...this.#entries.values()].find(({ record }) => this.#socketOf(record) === host.socketPath);
    if (same) throw new Error(`${host.socketPath} is in the list already, as ${same.record.name}`);
    const id = `h${randomBytes(4).toString('hex')}`;
    this.#add({ id, name: host.name, colour: host.colour, kind: 'socket', socketPath: host.socketPath });
    await this.#changed();
    return this.#get(id);
  }

  async update(id: string, change: { name?: string | undefined; colour?: HostColour | undefined }): Promise<Host> {
    const { record } = this.#entry(id);
    if (change.name !== undefined) record.name = change.name;
    if (change.colour !== undefined) record.colour = change.colour;
    await this.#changed();
    return this.#get(id);
  }

  async remove(id: string): Promise<void> {
    const { connection } = this.#entry(id);
    if (id === LOCAL_ID) throw new Error('The engine of this machine stays in the list');
    this.#entries.delete(id);
    void connection.stop();
    await this.#changed();
  }

  reconnect(id: string): void {
    this.#entry(id).connection.reconnect();
  }

  /** After sleep, or when the network changed. */
  reconnectAll(): void {
    for (const { connection } of this.#entries.values()) connection.reconnect();
  }

  /** The host's client while it is connected. */
  client(id: string): EngineClient | undefined {
    return this.#entries.get(id)?.connection.client;
  }

  /** For the user. */
  whyNotConnected(id: string): string {
    const entry = this.#entries.get(id);
    if (!entry) return 'This host is not in the list any more';
    const { state } = entry.connection;
    const { name } = entry.record;
    return 'error' in state ? `${name}: ${state.error.message}` : `${name} is not connected yet`;
  }

  /** @throws Error with a sentence for the user if there is no such host or it is not connected */
  clientOrThrow(id: string): EngineClient {
    const client = this.client(id);
    if (client) return client;
    throw new Error(this.whyNotConnected(id));
  }

  /** Resolves when the host is connected; rejects when it is removed or the signal aborts. */
  whenConnected(id: string, signal: AbortSignal): Promise<EngineClient> {
    return this.#entry(id).connection.whenConnected(signal);
  }

  #add(record: HostRecord): void {
    const where = this.#socketOf(record);
    const connection = new HostConnection({
      where,
      dial: unixDialer(where),
      ...(record.kind === 'local' && { prepare: this.#options.local.prepare }),
      onState: () => this.#announce(),
      onEvent: (message) => this.#events.add({ hostId: record.id, message }),
    });
    this.#entries.set(record.id, { record, connection });
    connection.start();
  }

  #socketOf(record: HostRecord): string {
    return record.kind === 'local' ? this.#options.local.socketPath : (record.socketPath ?? '');
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new Error('This host is not in the list any more');
    return entry;
  }

  #get(id: string): Host {
    const host = this.list().find((candidate) => candidate.id === id);
    if (!host) throw new Error('This host is not in the list any more');
    return host;
  }

  async #changed(): Promise<void> {
    this.#announce();
    await this.#options.file.write({ version: 1, hosts: [...this.#entries.values()].map(({ record }) => record) });
  }

  /** Several changes in one turn of the event loop are one message. */
  #announce(): void {
    if (this.#announcing) return;
    this.#announcing = true;
    queueMicrotask(() => {
      this.#announcing = false;
      this.#options.onChange(this.list());
    });
  }
}
