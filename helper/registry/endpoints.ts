/** Where a registry answers, in the order in which it is tried. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { inCidr } from './proxy.ts';

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
export async function endpointsOf(domain: string, settings: RegistrySettings): Promise<Endpoint[]> {
  if (domain === 'docker.io') {
    const mirrors = settings.registryMirrors.map(async (mirror) => {
      const url = new URL(mirror);
      const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
      return { base, host: url.host, insecure: await isInsecure(url.host, settings), mirror: true };
    });
    return [...(await Promise.all(mirrors)), { base: `https://${HUB}`, host: HUB, insecure: false, mirror: false }];
  }
  const insecure = await isInsecure(domain, settings);
  const secure = { base: `https://${domain}`, host: domain, insecure, mirror: false };
  return insecure ? [secure, { ...secure, base: `http://${domain}` }] : [secure];
}

/** By its name, or by its addresses where a range is named; loopback is always. */
async function isInsecure(host: string, { insecureRegistries }: RegistrySettings): Promise<boolean> {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || insecureRegistries.some((entry) => entry === host || entry === name)) return true;
  const ranges = [...LOOPBACK, ...insecureRegistries.filter((entry) => entry.includes('/'))];
  const addresses = isIP(name)
    ? [name]
    : await lookup(name, { all: true }).then(
        (found) => found.map(({ address }) => address),
        () => [],
      );
  return addresses.some((address) => ranges.some((range) => inCidr(address, range)));
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
