import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { EngineClient } from '../engine-client/index.ts';
import { anySignal } from '../hosts/abort.ts';
import type { Tunnel as TunnelInfo } from '../ipc/contract.ts';
import { type Listening, listenOnLoopback } from './loopback.ts';
import { join } from './pump.ts';
import type { TunnelRecord } from './records.ts';
import { type Resolved, resolveTarget, type Target } from './target.ts';
import { dialFailure, TunnelFailure } from './trouble.ts';

/** What a tunnel needs of its host. */
export interface Reach {
  /** @throws Error with a sentence for the user if the host is not connected */
  client: () => EngineClient;
  /** A TCP connection that begins on the host. */
  dial: (address: string, port: number, signal: AbortSignal) => Promise<Duplex>;
}

/** Finding out where to and connecting, together. */
const OPEN_MS = 15_000;
/** An address that swallows connections must not keep the next one from being tried. */
const DIAL_MS = 4000;
const CONNECTIONS_LIMIT = 512;

/** One port of this machine that leads to a port of a container, as long as it is open. */
export class Tunnel {
  record: TunnelRecord;
  readonly #reach: Reach;
  readonly #onChange: () => void;
  readonly #sockets = new Set<Socket>();
  #listening: Listening | undefined;
  #resolved: Resolved | undefined;
  #trouble: TunnelInfo['trouble'];
  #ended = new AbortController();
  #opening: Promise<void> | undefined;

  constructor(record: TunnelRecord, reach: Reach, onChange: () => void) {
    this.record = record;
    this.#reach = reach;
    this.#onChange = onChange;
  }

  get isOpen(): boolean {
    return this.#listening !== undefined;
  }

  get info(): TunnelInfo {
    const { wanted, ...rest } = this.record;
    return {
      ...rest,
      state: this.isOpen ? 'open' : 'closed',
      offered: wanted && !this.isOpen,
      ...(this.#trouble && { trouble: this.#trouble }),
    };
  }

  /**
   * Tries the way once, then listens. A port that nothing in the container serves yet is no reason not to: it may still begin to.
   *
   * @throws TunnelFailure if there is no way
   */
  open(): Promise<void> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<void> {
    if (this.#listening) return;
    this.#ended = new AbortController();
    this.#trouble = undefined;
    try {
      (await this.#connect()).destroy();
    } catch (error) {
      const failure = asFailure(error);
      if (failure.trouble.code !== 'refused') throw failure;
      this.#trouble = failure.trouble;
    }
    const listening = await listenOnLoopback(this.record.localPort, (socket) => void this.#serve(socket));
    if (this.#ended.signal.aborted) {
      listening.close();
      return;
    }
    this.#listening = listening;
    this.record = { ...this.record, localPort: listening.port, wanted: true };
    this.#onChange();
  }

  /** @param wanted whether it is offered again */
  close(wanted: boolean): void {
    this.#ended.abort(new TunnelFailure('closed', 'The tunnel was closed'));
    this.#listening?.close();
    this.#listening = undefined;
    for (const socket of this.#sockets) socket.destroy();
    this.#trouble = undefined;
    this.record = { ...this.record, wanted };
  }

  /** The container, or its host, changed: what was found out about it counts no more. */
  forgetTarget(): void {
    this.#resolved = undefined;
    this.#become(undefined);
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on('error', () => {});
    if (this.#sockets.size >= CONNECTIONS_LIMIT) return void socket.destroy();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.setNoDelay(true);
    try {
      const far = await this.#connect();
      if (socket.destroyed) return void far.destroy();
      this.#become(undefined);
      join(socket, far);
    } catch (error) {
      socket.destroy();
      const failure = asFailure(error);
      if (failure.trouble.code !== 'closed') this.#become(failure.trouble);
    }
  }

  async #connect(): Promise<Duplex> {
    const limit = anySignal(this.#ended.signal, AbortSignal.timeout(OPEN_MS));
    try {
      const known = this.#resolved;
      if (known) {
        try {
          return await this.#dialAny(known.targets, limit.signal);
        } catch {
          // The container may have another address by now.
        }
      }
      const { record } = this;
      const container = { id: record.containerId, name: record.containerName };
      const resolved = await resolveTarget(this.#client(), container, record.port, limit.signal);
      if (resolved.containerId !== record.containerId) this.record = { ...this.record, containerId: resolved.containerId };
      const far = await this.#dialAny(resolved.targets, limit.signal);
      this.#resolved = resolved;
      return far;
    } finally {
      limit.release();
    }
  }

  async #dialAny(targets: Target[], signal: AbortSignal): Promise<Duplex> {
    let failure: TunnelFailure | undefined;
    for (const { address, port } of targets) {
      const limit = anySignal(signal, AbortSignal.timeout(DIAL_MS));
      try {
        return await this.#reach.dial(address, port, limit.signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const next = dialFailure(error, { address, port });
        // "Nothing listens" says more than "no answer" of an address that can't be reached from there anyway.
        if (!failure || next.trouble.code !== 'unreachable') failure = next;
        if (next.trouble.code === 'forwarding') break;
      } finally {
        limit.release();
      }
    }
    throw failure ?? new TunnelFailure('no-network', 'no address');
  }

  #client(): EngineClient {
    try {
      return this.#reach.client();
    } catch (error) {
      throw new TunnelFailure('host-away', error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  #become(trouble: TunnelInfo['trouble']): void {
    if (trouble?.code === this.#trouble?.code && trouble?.message === this.#trouble?.message) return;
    this.#trouble = trouble;
    if (this.isOpen) this.#onChange();
  }
}

function asFailure(error: unknown): TunnelFailure {
  if (error instanceof TunnelFailure) return error;
  return new TunnelFailure('unknown', error instanceof Error ? error.message : String(error), { cause: error });
}
