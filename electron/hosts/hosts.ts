import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { EngineClient } from '../engine-client/index.ts';
import type {
  ConnectAttempt,
  FoundEngine,
  Host,
  HostChange,
  HostEvent,
  HostSuggestion,
  NewCertificates,
  NewSocketHost,
  NewSshHost,
  NewTcpHost,
} from '../ipc/contract.ts';
import { type ConfigFiles, connectSsh, parseAddress, type Secrets, type SshSession } from '../ssh/index.ts';
import type { JsonFile } from '../store/json-file.ts';
import { parseTcpAddress } from '../tcp/index.ts';
import { Attempts } from './attempts.ts';
import { Batch } from './batch.ts';
import type { ConnectionOptions } from './connection.ts';
import { detect, usualSockets } from './detect.ts';
import { dialNet } from './dial-net.ts';
import { type Entry, onSocket, overSsh, overTcp, stopped } from './entry.ts';
import { HostFailure } from './errors.ts';
import { type GuardedRequest, guard } from './guard.ts';
import { onceATurn } from './once-a-turn.ts';
import { firstHosts, type HostRecord, type HostsFile, hostOf, LOCAL_ID } from './records.ts';
import { suggestions } from './suggestions.ts';

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
  onAttempt: (attempt: ConnectAttempt) => void;
  /** ~/.ssh/config, read anew for each connection. */
  sshFiles: () => Promise<ConfigFiles>;
  secrets: Secrets;
  log: (text: string) => void;
}

/** Events of one host within this time reach the window as one message. */
const EVENTS_MS = 16;

/** An engine's client until it is given back. */
export interface EngineLease {
  client: EngineClient;
  release(): void;
}

/** The host list: kept on disk, one connection each. */
export class Hosts {
  readonly #options: HostsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #events: Batch<HostEvent>;
  readonly attempts: Attempts;
  /** Hosts that an attempt signs in to. */
  readonly #signingIn = new Map<string, string>();
  readonly #announce = onceATurn(() => this.#options.onChange(this.list()));

  constructor(options: HostsOptions) {
    this.#options = options;
    this.#events = new Batch(EVENTS_MS, options.onEvents);
    this.attempts = new Attempts({
      files: options.sshFiles,
      secrets: options.secrets,
      onChange: (attempt) => {
        this.#signedIn(attempt);
        options.onAttempt(attempt);
      },
    });
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
    this.attempts.endAll();
    await Promise.all([...this.#entries.values()].map((entry) => stopped(entry)));
  }

  list(): Host[] {
    return [...this.#entries.values()].map(({ record, connection }) => hostOf(record, connection.state));
  }

  detect(): Promise<FoundEngine[]> {
    const here = [...this.#entries.values()].filter(({ record }) => isHere(record));
    const known = here.map(({ record }) => this.#socketOf(record));
    return detect(usualSockets(process.env), known);
  }

  async addSocket(host: NewSocketHost): Promise<Host> {
    const isSame = (record: HostRecord) => isHere(record) && this.#socketOf(record) === host.socketPath;
    const same = [...this.#entries.values()].find(({ record }) => isSame(record));
    if (same) throw new Error(`${host.socketPath} is in the list already, as ${same.record.name}`);
    const id = newId();
    this.#add({ id, name: host.name, colour: host.colour, kind: 'socket', socketPath: host.socketPath });
    await this.#changed();
    return this.#get(id);
  }

  /** The attempt's connection becomes the host's. */
  async addSsh({ attempt: attemptId, name, colour, socketPath }: NewSshHost): Promise<Host> {
    const { session, attempt } = this.attempts.take(attemptId);
    const { address } = attempt;
    const same = [...this.#entries.values()].find(({ record }) => record.address === address && record.socketPath === socketPath);
    if (same) {
      session.close();
      throw new Error(`${address} is in the list already, as ${same.record.name}`);
    }
    const id = newId();
    this.#add({ id, name, colour, kind: 'ssh', address, socketPath }, session);
    await this.#changed();
    return this.#get(id);
  }

  async addTcp({ attempt: attemptId, name, colour }: NewTcpHost): Promise<Host> {
    const { address, security } = this.attempts.takeTcp(attemptId);
    const same = [...this.#entries.values()].find(({ record }) => record.kind === 'tcp' && record.address === address);
    if (same) throw new Error(`${address} is in the list already, as ${same.record.name}`);
    const id = newId();
    this.#add({ id, name, colour, kind: 'tcp', address, security });
    await this.#changed();
    return this.#get(id);
  }

  /** @throws Error with a sentence for the user if the host is not reached over TCP, or the attempt did not lead to it */
  async changeCertificates(id: string, how: NewCertificates): Promise<Host> {
    const { record, tcp, connection } = this.#entry(id);
    const { address = '' } = record;
    if (!tcp) throw new Error(`${record.name} is not reached over TCP`);
    const taken = 'attempt' in how ? this.attempts.takeTcp(how.attempt) : { address, security: how.security };
    if (taken.address !== address) throw new Error(`This connection led to ${taken.address}, not to ${record.name} (${address})`);
    const { security } = taken;
    record.security = security;
    tcp.change({ address: parseTcpAddress(address), security });
    connection.renew();
    await this.#changed();
    return this.#get(id);
  }

  /** Connects to a host on another machine with the user there. @throws Error if it is none */
  signIn(id: string): ConnectAttempt {
    const { record } = this.#entry(id);
    if (isHere(record)) throw new Error(`${record.name} needs no signing in`);
    const { address = '', security, socketPath } = record;
    const attempt = security ? this.attempts.startTcp(address, security) : this.attempts.start(address, socketPath);
    this.#signingIn.set(attempt.id, id);
    return attempt;
  }

  /** The connection of an SSH host, for commands. @throws HostFailure if there is none and none can be made without the user */
  session(id: string, signal: AbortSignal): Promise<SshSession> {
    const { link, record } = this.#entry(id);
    if (!link) throw new Error(`${record.name} is not reached over SSH`);
    return link.session(signal);
  }

  /** A connection with room for a shell; none for hosts on this machine. @throws HostFailure if none can be made without the user */
  async shellSession(id: string, signal: AbortSignal): Promise<SshSession | undefined> {
    const { link, record } = this.#entry(id);
    if (record.kind === 'tcp') throw new Error(`${record.name} is reached over TCP: its engine alone, not the machine`);
    return link?.roomySession(signal);
  }

  /** Connects anew, as somebody who has just signed in. */
  renew(id: string): void {
    const entry = this.#entries.get(id);
    entry?.link?.renew();
    entry?.connection.reconnect();
  }

  async suggestions(): Promise<HostSuggestion[]> {
    const known = new Set([...this.#entries.values()].map(({ record }) => record.address));
    return (await suggestions(await this.#options.sshFiles())).filter(({ address }) => !known.has(address));
  }

  async update(id: string, change: HostChange): Promise<Host> {
    const { record } = this.#entry(id);
    if (change.name !== undefined) record.name = change.name;
    if (change.colour !== undefined) record.colour = change.colour;
    if (change.readOnly !== undefined) record.readOnly = change.readOnly;
    if (change.production !== undefined) record.production = change.production;
    await this.#changed();
    return this.#get(id);
  }

  async remove(id: string): Promise<void> {
    const entry = this.#entry(id);
    if (id === LOCAL_ID) throw new Error('The engine of this machine stays in the list');
    this.#entries.delete(id);
    void stopped(entry, new Error(`${entry.record.name} was removed from the list of hosts`));
    await this.#changed();
  }

  reconnect(id: string): void {
    this.#entry(id).connection.reconnect();
  }

  /** For what changes a host past its engine's API. @throws Forbidden because of the host's marks */
  guardChange(id: string, { isDeletion = false, confirmed }: { isDeletion?: boolean; confirmed?: string | undefined } = {}): void {
    const { record } = this.#entry(id);
    guard(record.name, record, { method: isDeletion ? 'DELETE' : 'POST', path: '/', confirmed });
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

  /**
   * A client of its own for what carries much, with a connection of its own over SSH where the machine allows that; until `release`.
   *
   * @throws Error with a sentence for the user if there is no such host or it is not connected
   */
  lease(id: string): EngineLease {
    const shared = this.clientOrThrow(id);
    const { link, record } = this.#entry(id);
    if (!link) return { client: shared, release: () => {} };
    const { dial, release } = link.lease();
    const client = new EngineClient(dial, guardOf(record));
    client.apiVersion = shared.apiVersion;
    return {
      client,
      release() {
        client.close();
        release();
      },
    };
  }

  /** A TCP connection that begins on the host. @throws ChannelRefused, or a system error */
  async dialTcp(id: string, address: string, port: number, signal: AbortSignal): Promise<Duplex> {
    const { link, record } = this.#entry(id);
    if (record.kind === 'tcp') throw new Error(`${record.name} is reached over TCP: its engine alone, not its network`);
    return link ? link.openTcp(address, port, signal) : dialNet({ host: address, port, allowHalfOpen: true }, signal);
  }

  /** Resolves when the host is connected; rejects when it is removed or the signal aborts. */
  whenConnected(id: string, signal: AbortSignal): Promise<EngineClient> {
    return this.#entry(id).connection.whenConnected(signal);
  }

  #add(record: HostRecord, session?: SshSession): void {
    const common = {
      onState: () => this.#announce(),
      onEvent: (message: unknown) => this.#events.add({ hostId: record.id, message }),
      guard: guardOf(record),
    };
    const { secrets, local } = this.#options;
    const entry =
      record.kind === 'ssh'
        ? overSsh(record, session, (signal) => this.#signInQuietly(record, signal), common)
        : record.kind === 'tcp'
          ? overTcp(record, secrets, common)
          : onSocket(record, this.#socketOf(record), record.kind === 'local' ? local.prepare : undefined, common);
    this.#entries.set(record.id, entry);
    entry.connection.start();
  }

  async #signInQuietly(record: HostRecord, signal: AbortSignal): Promise<SshSession> {
    const { sshFiles, secrets, log } = this.#options;
    try {
      return await connectSsh(parseAddress(record.address ?? ''), { files: await sshFiles(), secrets, ask: undefined, signal });
    } catch (error) {
      log(`${record.name} (${record.address}): ${error instanceof Error ? error.message : error}`);
      const before = this.#entries.get(record.id)?.connection.wasConnected;
      // A machine that boots lets nobody in for a while; for good it refuses only where it never let us in. Certificates are renewed.
      if (before && error instanceof HostFailure && /^ssh-(keys-refused|certificate-)/.test(error.error.code))
        throw new HostFailure(error.error);
      throw error;
    }
  }

  /** An attempt for a host in the list is through: the host takes the connection. */
  #signedIn({ id, state }: ConnectAttempt): void {
    const hostId = this.#signingIn.get(id);
    if (hostId === undefined || state !== 'connected') return;
    this.#signingIn.delete(id);
    const entry = this.#entries.get(hostId);
    if (entry?.link) entry.link.adopt(this.attempts.take(id).session);
    // Over TCP there is no connection to take over: what was typed counts from the next one on.
    else this.attempts.end(id);
    entry?.connection.reconnect();
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
}

/** Looks at the record as it is then: marks are set and taken away while a host is connected. */
const guardOf = (record: HostRecord) => (request: GuardedRequest) => guard(record.name, record, request);

/** Engines on sockets of this machine. */
const isHere = ({ kind }: HostRecord) => kind === 'local' || kind === 'socket';

const newId = () => `h${randomBytes(4).toString('hex')}`;
