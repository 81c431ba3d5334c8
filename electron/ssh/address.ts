import { isIPv6 } from 'node:net';

/** What a user types to name a host: `[ssh://][user@]host[:port][/path/of/a/socket]`, or an alias of ~/.ssh/config. */
export interface Address {
  user?: string;
  /** An alias, a name or an IP address, without brackets. */
  host: string;
  port?: number;
  /** Only with ssh://: the engine's socket on that host. */
  socketPath?: string;
}

// Nothing that a shell or a log could take for something else: these go into %h of a ProxyCommand, too.
const HOST = /^[\p{L}\p{N}_][\p{L}\p{N}._-]*$/u;
const USER = /^[^\s:/@'"`$\\;&|<>(){}[\]*?!#~-][^\s:/'"`$\\;&|<>(){}[\]*?!#~]*$/u;
const IPV6 = /^[\da-f:.]+(%[\w.-]+)?$/i;

/** @throws Error with a sentence for the user */
export function parseAddress(typed: string): Address {
  const text = typed.trim().replace(/^ssh\s+(?=\S)/, '');
  if (text === '') throw new Error('Type a host: user@host, or a name from ~/.ssh/config');
  if (text.length > 1024) throw new Error('This address is too long');
  const asUrl = /^ssh:\/\//i.test(text);
  const [, authority = '', path = ''] = /^([^/]*)(\/.*)?$/s.exec(asUrl ? text.slice(6) : text) ?? [];
  if (!asUrl && path !== '') throw new Error('An address has no “/”. For a socket’s path use ssh://user@host/path');
  const at = authority.lastIndexOf('@');
  const user = at === -1 ? undefined : decode(authority.slice(0, at), asUrl);
  if (user !== undefined && !USER.test(user)) throw new Error(`“${user.slice(0, 100)}” is no user name`);
  const { host, port } = splitPort(authority.slice(at + 1));
  return {
    ...(user !== undefined && { user }),
    host,
    ...(port !== undefined && { port }),
    ...(path.length > 1 && { socketPath: checkedPath(decode(path, asUrl)) }),
  };
}

/** The shortest form that `parseAddress` reads as the same. */
export function formatAddress({ user, host, port }: Address): string {
  const bracketed = isIPv6(host.replace(/%.*$/, '')) && port !== undefined ? `[${host}]` : host;
  return `${user === undefined ? '' : `${user}@`}${bracketed}${port === undefined ? '' : `:${port}`}`;
}

function splitPort(text: string): { host: string; port?: number } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed) return withPort(bracketed[1] ?? '', bracketed[2]);
  // More than one colon: an IPv6 address without a port.
  if ((text.match(/:/g) ?? []).length > 1) return withPort(text, undefined);
  const colon = text.indexOf(':');
  return colon === -1 ? withPort(text, undefined) : withPort(text.slice(0, colon), text.slice(colon + 1));
}

function withPort(host: string, port: string | undefined): { host: string; port?: number } {
  const isAddress = host.includes(':') && IPV6.test(host) && isIPv6(host.replace(/%.*$/, ''));
  if (host === '') throw new Error('The name of the host is missing');
  if (!isAddress && (host.length > 253 || !HOST.test(host))) throw new Error(`“${host.slice(0, 100)}” is no host name or address`);
  if (port === undefined || port === '') return { host };
  const number = Number(port);
  if (!/^\d{1,5}$/.test(port) || number < 1 || number > 65535)
    throw new Error(`“${port.slice(0, 20)}” is no port: ports go from 1 to 65535`);
  return { host, port: number };
}

function checkedPath(path: string): string {
  // sun_path has 108 bytes with its end.
  if (Buffer.byteLength(path) > 107 || /[\0-\x1f]/.test(path)) throw new Error('The path of the socket is too long or has odd characters');
  return path;
}

function decode(text: string, encoded: boolean): string {
  try {
    return encoded ? decodeURIComponent(text) : text;
  } catch {
    throw new Error(`“${text.slice(0, 100)}” has a % that encodes nothing`);
  }
}
