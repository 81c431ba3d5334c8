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
 * host name), each alone or with the network's name behind a dot, and its own links, which hide names of others.
 * @returns undefined for a name that is none of ours: to be asked elsewhere
 */
export function lookUp(sandbox: LiveSandbox, name: string): Found | undefined {
  const wanted = normal(name);
  const all = [...sandbox.endpoints.values()].filter(({ network }) => network.resolvesNames);
  const plain = firstOf(all, wanted);
  if (plain) return plain;
  for (const own of all) {
    const suffix = `.${own.network.name.toLowerCase()}`;
    const found = wanted.endsWith(suffix) ? firstOf([own], wanted.slice(0, -suffix.length)) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** Of the nearest network that knows the name: addresses of another could be out of reach. Links come first. */
function firstOf(all: readonly Endpoint[], name: string): Found | undefined {
  for (const own of all) {
    const targets = linkTargets(own, name);
    const found = addressesOf(own, (endpoint) => targets.includes(endpoint.containerId) || has(endpoint, targets));
    if (found) return found;
  }
  for (const own of all) {
    const found = linkTargets(own, name).length > 0 ? undefined : addressesOf(own, (endpoint) => has(endpoint, [name]));
    if (found) return found;
  }
  return undefined;
}

function addressesOf({ network }: Endpoint, test: (endpoint: Endpoint) => boolean): Found | undefined {
  const known = [...network.endpoints.values()].filter(test);
  if (known.length === 0) return undefined;
  return {
    v4: known.flatMap(({ v4 }) => (v4 ? [v4.address] : [])),
    v6: known.flatMap(({ v6 }) => (v6 ? [v6.address] : [])),
  };
}

/** `container:alias` entries of the endpoint's links whose alias is `name`: names or ids of containers. */
function linkTargets(own: Endpoint, name: string): string[] {
  return (own.settings.Links ?? []).flatMap((link) => {
    const [target = '', alias = target] = link.split(':');
    return normal(alias) === name ? [normal(target)] : [];
  });
}

const has = (endpoint: Endpoint, names: readonly string[]): boolean => endpoint.names.some((own) => names.includes(normal(own)));

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
