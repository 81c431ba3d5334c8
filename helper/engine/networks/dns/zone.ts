import { addressText, parseAddress } from '../ipam/addresses.ts';
import type { Endpoint, LiveSandbox } from '../model.ts';

/** Addresses of a name. */
export interface Found {
  v4: string[];
  v6: string[];
}

const normal = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/**
 * What a container's name server knows: the names of all containers in its user-defined networks (name, aliases, short id,
 * host name), each alone or with the network's name behind a dot, and its own links.
 * @returns undefined for a name that is none of ours: to be asked elsewhere
 */
export function lookUp(sandbox: LiveSandbox, name: string): Found | undefined {
  const wanted = normal(name);
  const found: Found = { v4: [], v6: [] };
  let known = false;
  for (const own of sandbox.endpoints.values()) {
    if (!own.network.resolvesNames) continue;
    const suffix = `.${own.network.name.toLowerCase()}`;
    const plain = wanted.endsWith(suffix) ? wanted.slice(0, -suffix.length) : wanted;
    const targets = linkTargets(own, plain);
    for (const endpoint of own.network.endpoints.values()) {
      if (!answersTo(endpoint, plain, targets)) continue;
      known = true;
      if (endpoint.v4) found.v4.push(endpoint.v4.address);
      if (endpoint.v6) found.v6.push(endpoint.v6.address);
    }
    // The nearest network that knows the name answers: addresses of another could be out of reach.
    if (known) return found;
  }
  return known ? found : undefined;
}

/** `container:alias` entries of the endpoint's links whose alias is `name`: names of containers. */
function linkTargets(own: Endpoint, name: string): string[] {
  return (own.settings.Links ?? []).flatMap((link) => {
    const [target = '', alias = target] = link.split(':');
    return normal(alias) === name ? [normal(target)] : [];
  });
}

function answersTo(endpoint: Endpoint, name: string, targets: string[]): boolean {
  return endpoint.names.some((own) => normal(own) === name || targets.includes(normal(own))) || targets.includes(endpoint.containerId);
}

/** `NAME.NETWORK` of the container with this address, in a network of the sandbox. */
export function lookUpAddress(sandbox: LiveSandbox, address: string): string | undefined {
  for (const own of sandbox.endpoints.values()) {
    if (!own.network.resolvesNames) continue;
    for (const endpoint of own.network.endpoints.values()) {
      if (endpoint.v4?.address === address || endpoint.v6?.address === address) return `${endpoint.containerName}.${own.network.name}`;
    }
  }
  return undefined;
}

/** `4.3.2.1.in-addr.arpa` and its IPv6 kin → address; undefined for what is no full address. */
export function addressOfPointer(name: string): string | undefined {
  const wanted = normal(name);
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(wanted);
  if (v4) return v4.slice(1).reverse().join('.');
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(wanted);
  if (!v6?.[1]) return undefined;
  const digits = v6[1].replaceAll('.', '').split('').reverse().join('');
  const address = parseAddress(digits.match(/.{4}/g)?.join(':') ?? '');
  // Compared as text: in the one form that endpoints' addresses have.
  return address && addressText(address.family, address.value);
}
