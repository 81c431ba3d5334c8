import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { parseAddress } from '../ssh/index.ts';

/** Where an engine listens. */
export interface TcpAddress {
  /** A name or an IP address, without brackets. */
  host: string;
  port: number;
}

/** What dockerd's packages and documentation use. */
const TLS_PORT = 2376;

/**
 * Reads `tcp://host[:port]`, as docker's -H and DOCKER_HOST have it.
 *
 * @throws Error with a sentence for the user
 */
export function parseTcpAddress(typed: string): TcpAddress {
  const text = typed.trim();
  if (!/^tcp:\/\//i.test(text)) throw new Error('An address of this kind begins with tcp://');
  const { user, host, port = TLS_PORT, socketPath } = parseAddress(`ssh://${text.slice('tcp://'.length)}`);
  if (user !== undefined) throw new Error('A tcp:// address has no user: who you are, your certificate says');
  if (socketPath !== undefined) throw new Error('A tcp:// address has no path: it is tcp://host:port');
  return { host, port };
}

/** `host:port`, for people. */
export const placeOf = ({ host, port }: TcpAddress) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
export const formatTcpAddress = (address: TcpAddress) => `tcp://${placeOf(address)}`;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');

/** @param address an IP address; a name is none */
export const isLoopback = (address: string): boolean =>
  (isIPv4(address) && loopback.check(address, 'ipv4')) || (isIPv6(address) && loopback.check(address, 'ipv6'));
