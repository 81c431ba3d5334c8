/**
 * Which proxy a request goes through, by HTTP_PROXY, HTTPS_PROXY and NO_PROXY (and `proxies` of the configuration, which the
 * program puts there at its start).
 * Source: Go, golang.org/x/net/http/httpproxy, whose rules Docker's users know
 */
import { BlockList, isIP } from 'node:net';
import { Failure } from '../engine/failure.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** @returns undefined: straight to the host */
export function proxyFor(url: URL, environment: Environment = process.env): URL | undefined {
  const read = (name: string): string => environment[name] || environment[name.toLowerCase()] || '';
  const proxy = read(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (proxy === '' || isOwn(host) || excluded(host, port, read('NO_PROXY'))) return undefined;
  try {
    return new URL(proxy.includes('://') ? proxy : `http://${proxy}`);
  } catch {
    throw new Failure('system', `invalid proxy address ${JSON.stringify(proxy.replace(/\/\/[^@/]*@/, '//xxxxx:xxxxx@'))}`);
  }
}

/** The host itself is never asked for through somebody else. */
function isOwn(host: string): boolean {
  return host === 'localhost' || (isIP(host) === 4 ? host.startsWith('127.') : host === '::1');
}

function excluded(host: string, port: string, list: string): boolean {
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry === '*' || (entry !== '' && matches(host, port, entry)));
}

function matches(host: string, port: string, entry: string): boolean {
  const [, name = entry, only] = /^(.*?|\[.*\]):(\d+)$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const plain = name.replace(/^\[(.*)\]$/, '$1');
  if (isIP(plain)) return plain === host;
  if (plain.includes('/')) return inCidr(host, plain);
  // `.example` is for what is below it only, `example` for itself as well; `*.example` is what people write for the former.
  const domain = plain.replace(/^\*(?=\.)/, '');
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

/** Whether an address lies in a range; names lie in none. */
export function inCidr(address: string, cidr: string): boolean {
  const family = isIP(address);
  const [network = '', bits = ''] = cidr.split('/');
  if (family === 0 || isIP(network) !== family || !/^\d+$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(network, Number(bits), type);
  return list.check(address, type);
}
