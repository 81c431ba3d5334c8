import type { PortMap } from '../../../contract/docker/index.ts';
import { Failure } from '../../failure.ts';
import { parseAddress } from '../ipam/addresses.ts';

export type Proto = 'tcp' | 'udp' | 'sctp';

/** One port to publish. */
export interface PortRequest {
  proto: Proto;
  containerPort: number;
  /** Empty: every address, IPv4 and IPv6. */
  hostAddress: string;
  /** 0: any port of the ephemeral range; else the first free of `from`…`to`. */
  from: number;
  to: number;
}

/** `80/tcp`, `80` → number and protocol; undefined for what can't be published: images have said `80-82/tcp`, and run. */
function publishable(text: string): { port: number; proto: Proto } | undefined {
  const { number, proto } = readPort(text);
  return number > 0 && (proto === 'tcp' || proto === 'udp' || proto === 'sctp') ? { port: number, proto } : undefined;
}

/** A port as dockerd takes it: without a number that can be it is 0, and so is the name of a protocol that nobody knows. */
export function readPort(text: string): { number: number; proto: string } {
  const [digits = '', name = 'tcp'] = text === '' ? ['', ''] : text.split(/\/(.*)/s);
  const number = /^\d{1,5}$/.test(digits) && Number(digits) <= 65535 ? Number(digits) : 0;
  const proto = name.toLowerCase();
  return { number, proto: ['tcp', 'udp', 'sctp', 'icmp'].includes(proto) ? proto : '0' };
}

function parseHostPorts(text: string): { from: number; to: number } {
  if (text === '' || text === '0') return { from: 0, to: 0 };
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  if (!match || from > 65535 || to > 65535 || from > to || from === 0) {
    throw new Failure('invalidParameter', `invalid port specification: ${JSON.stringify(text)}`);
  }
  return { from, to };
}

/**
 * What PortBindings, ExposedPorts and PublishAllPorts ask for, in the order of container ports.
 * @throws Failure invalidParameter for what is no range or address
 */
export function portRequests(bindings: PortMap, exposed: string[], publishAll: boolean): PortRequest[] {
  const requests: PortRequest[] = [];
  for (const [key, wishes] of Object.entries(bindings)) {
    const known = publishable(key);
    if (!known) continue;
    const { port, proto } = known;
    for (const wish of wishes ?? []) {
      const hostAddress = (wish.HostIp ?? '').replace(/^\[(.*)\]$/, '$1');
      if (hostAddress && !parseAddress(hostAddress)) throw new Failure('invalidParameter', `invalid IP address: ${wish.HostIp}`);
      requests.push({ proto, containerPort: port, hostAddress, ...parseHostPorts(wish.HostPort ?? '') });
    }
  }
  if (publishAll) {
    const bound = new Set(requests.map((request) => `${request.containerPort}/${request.proto}`));
    for (const key of exposed) {
      const known = publishable(key);
      if (!known) continue;
      const { port, proto } = known;
      if (!bound.has(`${port}/${proto}`)) requests.push({ proto, containerPort: port, hostAddress: '', from: 0, to: 0 });
    }
  }
  return requests.sort((a, b) => a.proto.localeCompare(b.proto) || a.containerPort - b.containerPort);
}
