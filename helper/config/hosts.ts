import { Failure } from '../engine/failure.ts';

/** One place to listen at, as `hosts` and `--host` say it. */
export type HostAddress =
  | { kind: 'unix'; path: string }
  /** Sockets that systemd passes on: all of them, or those with a name (FileDescriptorName=) or number. */
  | { kind: 'fd'; which: string }
  | { kind: 'tcp'; host: string; port: number };

/** What the kernel has room for, in bytes; Node takes longer ones and names the wrong cause. Source: unix(7), sun_path. */
const LONGEST_SOCKET = 107;
/** dockerd's ports. */
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/**
 * `unix:///run/x.sock`, nothing (the default: the socket, or TCP where there is TLS), `fd://`, `tcp://127.0.0.1:2375`, `127.0.0.1:2375`, `tcp://[::1]:2376`.
 *
 * @param options tls: which port is meant when none is given; socket: the path that `unix://` alone stands for
 * @throws Failure invalidParameter `invalid bind address (…): …`
 */
export function parseHost(text: string, options: { tls: boolean; socket: string }): HostAddress {
  const given = text.trim();
  if (given === '' && !options.tls) return { kind: 'unix', path: options.socket };
  const [, scheme = 'tcp', rest = given] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(given) ?? [];
  const refuse = (why: string): Failure => new Failure('invalidParameter', `invalid bind address (${text}): ${why}`);
  switch (scheme) {
    case 'unix':
      if (rest !== '' && !rest.startsWith('/')) throw refuse('a socket needs an absolute path');
      if (Buffer.byteLength(rest) > LONGEST_SOCKET) throw refuse(`a socket's path has at most ${LONGEST_SOCKET} bytes`);
      return { kind: 'unix', path: rest || options.socket };
    case 'fd':
      return { kind: 'fd', which: rest === '*' ? '' : rest };
    case 'tcp':
      return { kind: 'tcp', ...hostAndPort(rest, options.tls ? TLS_PORT : PLAIN_PORT, refuse) };
    default:
      throw refuse(`unsupported proto '${scheme}'`);
  }
}

function hostAndPort(text: string, defaultPort: number, refuse: (why: string) => Failure): { host: string; port: number } {
  if (/[/?#@]/.test(text)) throw refuse('should be ADDRESS:PORT, without a path or a user');
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]]*))(?::(\d*))?$/i.exec(text);
  if (!match) throw refuse('should be ADDRESS:PORT, with an IPv6 address in brackets');
  const port = match[3] ? Number(match[3]) : defaultPort;
  if (port > 65_535) throw refuse(`${match[3]} is no port`);
  return { host: match[1] ?? (match[2] || 'localhost'), port };
}

/** Whether only this machine reaches it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
