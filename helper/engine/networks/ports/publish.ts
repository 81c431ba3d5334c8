import { closeSync, readFileSync } from 'node:fs';
import type { PortMap } from '../../../contract/docker/index.ts';
import { openListener, SystemError } from '../../../system/netns/index.ts';
import { Failure } from '../../failure.ts';
import { portHolder } from './holder.ts';
import { type PortRequest, type Proto, readPort } from './request.ts';
import { refuseTcp, serveTcp, type Target } from './tcp-proxy.ts';
import { serveUdp } from './udp-proxy.ts';

/** One published port on one host address. */
export interface PublishedPort {
  proto: Proto;
  containerPort: number;
  hostAddress: string;
  hostPort: number;
  target: Target;
  close(): void;
}

interface Owner {
  containerName: string;
  endpointId: string;
}

/**
 * The host ports of all containers. Each is held by a socket of the helper's own that listens on it: so nobody else can
 * take it, conflicts show at once, and the socket serves as a proxy where the kernel's translation does not reach.
 */
export class PortTable {
  readonly #held = new Map<string, { containerName: string; hostAddress: string; hostPort: number; proto: Proto }>();
  readonly #proxy: boolean;
  #cursor = 0;

  /** @param proxy whether the sockets serve; else they only hold their ports */
  constructor(proxy: boolean) {
    this.#proxy = proxy;
  }

  /**
   * All of `requests` or none, synchronously but for the words of an error.
   * @throws Failure system with dockerd's text and who holds the port
   */
  async reserve(owner: Owner, requests: PortRequest[], target: PublishTarget): Promise<PublishedPort[]> {
    const published: PublishedPort[] = [];
    try {
      for (const request of leastChoiceFirst(requests)) published.push(...this.#reserveOne(owner, request, target));
      return withoutDoubles(published);
    } catch (error) {
      for (const port of published) port.close();
      if (error instanceof PortTaken) throw await this.#explain(owner, error);
      throw error;
    }
  }

  /** The same ports as before a restart of the helper. Those that someone has taken meanwhile are left out. */
  restore(containerName: string, ports: PortMap): { published: PublishedPort[]; lost: string[] } {
    const published: PublishedPort[] = [];
    const lost: string[] = [];
    for (const [key, bindings] of Object.entries(ports)) {
      const [number = '', proto = 'tcp'] = key.split('/');
      for (const binding of bindings ?? []) {
        const request = { proto: proto as Proto, containerPort: Number(number), hostAddress: binding.HostIp, from: 0, to: 0 };
        try {
          published.push(
            binding.HostPort
              ? this.#listen(containerName, request, binding.HostIp, Number(binding.HostPort))
              : opened(request, binding.HostIp),
          );
        } catch {
          lost.push(`${binding.HostIp}:${binding.HostPort}/${proto}`);
        }
      }
    }
    return { published, lost };
  }

  #reserveOne(owner: Owner, request: PortRequest, target: PublishTarget): PublishedPort[] {
    const all = addressesOf(request, target, this.#proxy);
    const isOpened = (address: string): boolean => target.ways[address.includes(':') ? 6 : 4] === 'open';
    const ports = all.filter(isOpened).map((address) => opened(request, address));
    const addresses = all.filter((address) => !isOpened(address));
    return addresses.length > 0 ? [...ports, ...this.#reserveHost(owner, request, addresses)] : ports;
  }

  #reserveHost(owner: Owner, request: PortRequest, addresses: string[]): PublishedPort[] {
    if (request.from !== 0 && request.from === request.to) return this.#listenAll(owner, request, addresses, request.from);
    const { from, to } = request.from === 0 ? ephemeralRange() : request;
    const count = to - from + 1;
    const start = request.from === 0 ? this.#cursor % count : 0;
    let last: unknown;
    for (let step = 0; step < count; step++) {
      const port = from + ((start + step) % count);
      try {
        const ports = this.#listenAll(owner, request, addresses, port);
        if (request.from === 0) this.#cursor = port - from + 1;
        return ports;
      } catch (error) {
        if (!(error instanceof PortTaken)) throw error;
        last = error;
      }
    }
    throw last;
  }

  #listenAll(owner: Owner, request: PortRequest, addresses: string[], port: number): PublishedPort[] {
    const ports: PublishedPort[] = [];
    try {
      for (const address of addresses) {
        try {
          ports.push(this.#listen(owner.containerName, request, address, port));
        } catch (error) {
          // A host without IPv6: the wildcard means IPv4 only.
          const noV6 = error instanceof SystemError && ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(error.code);
          if (!(noV6 && address === '::' && addresses.length > 1)) throw error;
        }
      }
      return ports;
    } catch (error) {
      for (const opened of ports) opened.close();
      throw error;
    }
  }

  #listen(containerName: string, request: PortRequest, hostAddress: string, hostPort: number): PublishedPort {
    const { proto, containerPort } = request;
    const target: Target = { address: '', port: containerPort };
    const server = openServer(proto, hostAddress, hostPort, this.#proxy ? target : undefined);
    const key = `${proto} ${hostAddress} ${hostPort}`;
    this.#held.set(key, { containerName, hostAddress, hostPort, proto });
    let open = true;
    return {
      proto,
      containerPort,
      hostAddress,
      hostPort,
      target,
      close: () => {
        if (!open) return;
        open = false;
        this.#held.delete(key);
        server.close();
      },
    };
  }

  async #explain(owner: Owner, taken: PortTaken): Promise<Failure> {
    const { proto, hostAddress, hostPort, code } = taken;
    const where = hostAddress.includes(':') ? `[${hostAddress}]:${hostPort}` : `${hostAddress}:${hostPort}`;
    const prefix = `driver failed programming external connectivity on endpoint ${owner.containerName} (${owner.endpointId}): `;
    if (code === 'EADDRNOTAVAIL') {
      return new Failure('system', `${prefix}failed to bind host port ${where}/${proto}: cannot assign requested address`);
    }
    if (code === 'EACCES') return new Failure('system', `${prefix}failed to bind host port ${where}/${proto}: permission denied`);
    const ours = [...this.#held.values()].find(
      (held) => held.proto === proto && held.hostPort === hostPort && meets(held.hostAddress, hostAddress),
    );
    if (ours) {
      return new Failure('system', `${prefix}Bind for ${where} failed: port is already allocated (by container ${ours.containerName})`);
    }
    const holder = await portHolder(proto, hostPort);
    return new Failure(
      'system',
      `${prefix}failed to bind host port ${where}/${proto}: address already in use${holder ? ` (by ${holder})` : ''}`,
    );
  }
}

/**
 * Where ports of a container are published.
 * ways: `host`: on the host; `open`: on the container's own address, which is routed; `proxy`: the container has no address
 * of this family, the host has.
 */
export interface PublishTarget {
  /** Where a request names no host address; empty, `0.0.0.0`: everywhere. */
  defaultAddress: string;
  ways: Record<4 | 6, 'host' | 'open' | 'proxy'>;
}

function addressesOf(request: PortRequest, { defaultAddress, ways }: PublishTarget, proxy: boolean): string[] {
  const wildcards = !defaultAddress || defaultAddress === '0.0.0.0';
  const wanted = request.hostAddress ? [request.hostAddress] : wildcards ? ['0.0.0.0', '::'] : [defaultAddress];
  return wanted.filter((address) => request.hostAddress || proxy || ways[address.includes(':') ? 6 : 4] !== 'proxy');
}

/** A port that is not published on the host: reachable at the container's address. */
function opened({ proto, containerPort }: PortRequest, hostAddress: string): PublishedPort {
  return { proto, containerPort, hostAddress, hostPort: 0, target: { address: '', port: containerPort }, close() {} };
}

/** One port, then a range, then any port: what can go elsewhere takes nothing from what can't. */
function leastChoiceFirst(requests: readonly PortRequest[]): PortRequest[] {
  const choice = ({ from, to }: PortRequest): number => (from === 0 ? Number.POSITIVE_INFINITY : to - from);
  return requests.toSorted((a, b) => (choice(a) === choice(b) ? 0 : choice(a) - choice(b)));
}

/** Two host ports for one container port open it once. */
function withoutDoubles(published: PublishedPort[]): PublishedPort[] {
  const seen = new Set<string>();
  return published.filter(({ proto, containerPort, hostAddress, hostPort }) => {
    const key = `${proto} ${containerPort} ${hostAddress.includes(':')}`;
    const double = hostPort === 0 && seen.has(key);
    if (hostPort === 0) seen.add(key);
    return !double;
  });
}

/** Addresses that can't both be listened on. */
function meets(a: string, b: string): boolean {
  if (a.includes(':') !== b.includes(':')) return false;
  return a === b || a === '0.0.0.0' || b === '0.0.0.0' || a === '::' || b === '::';
}

class PortTaken extends Error {
  readonly proto: Proto;
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly code: string;
  constructor(proto: Proto, hostAddress: string, hostPort: number, code: string) {
    super(`${hostAddress}:${hostPort}/${proto}: ${code}`);
    this.proto = proto;
    this.hostAddress = hostAddress;
    this.hostPort = hostPort;
    this.code = code;
  }
}

/** @param target undefined: the port is held, nothing more */
function openServer(proto: Proto, hostAddress: string, hostPort: number, target: Target | undefined): { close(): void } {
  let fd: number;
  try {
    fd = openListener(proto, hostAddress, hostPort);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    // A kernel without SCTP can hold no SCTP port, and nobody else can either.
    if (proto === 'sctp' && ['EPROTONOSUPPORT', 'ESOCKTNOSUPPORT'].includes(error.code)) return { close() {} };
    if (error.code === 'EADDRNOTAVAIL' && hostAddress === '::') throw error;
    if (['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES'].includes(error.code)) throw new PortTaken(proto, hostAddress, hostPort, error.code);
    throw error;
  }
  if (proto === 'tcp') return target ? serveTcp(fd, target) : refuseTcp(fd);
  if (target && proto === 'udp') return serveUdp(fd, hostAddress.includes(':'), target);
  return { close: () => closeSync(fd) };
}

function ephemeralRange(): { from: number; to: number } {
  try {
    const [from = 32768, to = 60999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
    return { from, to };
  } catch {
    return { from: 32768, to: 60999 };
  }
}

/** NetworkSettings.Ports: every exposed port, published ones with their bindings, IPv4 first. */
export function portMap(published: PublishedPort[], exposed: string[]): PortMap {
  const map: PortMap = {};
  for (const key of exposed) {
    const { number, proto } = readPort(key);
    map[`${number}/${proto}`] = null;
  }
  for (const { proto, containerPort, hostAddress, hostPort } of published) {
    const key = `${containerPort}/${proto}`;
    map[key] = [...(map[key] ?? []), { HostIp: hostAddress, HostPort: hostPort === 0 ? '' : String(hostPort) }];
  }
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || a.localeCompare(b)));
}
