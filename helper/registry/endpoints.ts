/** Where a registry answers, in the order in which it is tried. */
import { BlockList, isIP } from 'node:net';

export interface Endpoint {
  /** `https://registry-1.docker.io`, without a trailing slash. */
  base: string;
  /** Host and port as certs.d names them. */
  host: string;
  /** Certificates are not verified. */
  insecure: boolean;
  mirror: boolean;
}

export interface RegistrySettings {
  registryMirrors: readonly string[];
  /** Hosts, host:port, or CIDRs. */
  insecureRegistries: readonly string[];
}

const HUB = 'registry-1.docker.io';

/**
 * @param domain of a reference: `docker.io`, `localhost:5000`
 * Plain http only for loopback and for what the settings name; there https comes first, as with dockerd.
 */
export function endpointsOf(domain: string, settings: RegistrySettings): Endpoint[] {
  if (domain === 'docker.io') {
    const mirrors = settings.registryMirrors.map((mirror) => {
      const url = new URL(mirror);
      const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
      return { base, host: url.host, insecure: isInsecure(url.host, settings), mirror: true };
    });
    return [...mirrors, { base: `https://${HUB}`, host: HUB, insecure: false, mirror: false }];
  }
  const insecure = isInsecure(domain, settings);
  const secure = { base: `https://${domain}`, host: domain, insecure, mirror: false };
  return insecure ? [secure, { ...secure, base: `http://${domain}` }] : [secure];
}

function isInsecure(host: string, settings: RegistrySettings): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name)) return true;
  return settings.insecureRegistries.some((entry) => entry === host || entry === name || (entry.includes('/') && inCidr(name, entry)));
}

function inCidr(address: string, cidr: string): boolean {
  const family = isIP(address);
  const [network, bits] = cidr.split('/') as [string, string];
  if (family === 0 || isIP(network) !== family) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(network, Number(bits), type);
  return list.check(address, type);
}
