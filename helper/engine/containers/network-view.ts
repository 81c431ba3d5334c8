import type { EndpointSettings, NetworkSettings, PortMap, PortSummary } from '../../contract/docker/index.ts';
import { sortedByKey } from '../sorted.ts';
import type { Container } from './container.ts';

/** An endpoint with every field that dockerd writes; addresses are empty while the container does not run. */
function completeEndpoint(settings: EndpointSettings): EndpointSettings {
  return {
    IPAMConfig: settings.IPAMConfig ?? null,
    Links: settings.Links ?? null,
    Aliases: settings.Aliases ?? null,
    MacAddress: settings.MacAddress ?? '',
    DriverOpts: settings.DriverOpts ?? null,
    GwPriority: settings.GwPriority ?? 0,
    NetworkID: settings.NetworkID ?? '',
    EndpointID: settings.EndpointID ?? '',
    Gateway: settings.Gateway ?? '',
    IPAddress: settings.IPAddress ?? '',
    IPPrefixLen: settings.IPPrefixLen ?? 0,
    IPv6Gateway: settings.IPv6Gateway ?? '',
    GlobalIPv6Address: settings.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: settings.GlobalIPv6PrefixLen ?? 0,
    DNSNames: settings.DNSNames ?? null,
  };
}

/** By network name: what the container was given, or asks for. */
export function endpointsView(container: Container): Record<string, EndpointSettings> {
  const live = container.network?.sandbox.endpoints ?? {};
  const view: Record<string, EndpointSettings> = {};
  for (const name of [...new Set([...Object.keys(live), ...Object.keys(container.endpoints)])].sort()) {
    const asked = container.endpoints[name] ?? {};
    view[name] = completeEndpoint({ ...asked, ...(live[name] ?? {}) });
  }
  return view;
}

/** The same in a list: addresses, and none of the names that were asked for. */
export function endpointsSummary(container: Container): Record<string, EndpointSettings> {
  const entries = Object.entries(endpointsView(container)).map(([name, { IPAMConfig, ...endpoint }]) => {
    const address = IPAMConfig && {
      ...(IPAMConfig.IPv4Address ? { IPv4Address: IPAMConfig.IPv4Address } : {}),
      ...(IPAMConfig.IPv6Address ? { IPv6Address: IPAMConfig.IPv6Address } : {}),
    };
    return [name, { IPAMConfig: address ?? null, ...endpoint, Links: null, Aliases: null, DriverOpts: null, DNSNames: null }] as const;
  });
  return Object.fromEntries(entries);
}

/** Exposed and published ports, as a bridge network makes them known: no other network does, as in dockerd. */
const portsView = (container: Container): PortMap => sortedByKey(container.network?.sandbox.ports ?? {});

/** `NetworkSettings` of inspect. The top-level addresses are those on the default bridge, for old clients. */
export function networkSettings(container: Container): NetworkSettings {
  const Networks = endpointsView(container);
  const bridge = Networks.bridge;
  return {
    Bridge: '',
    SandboxID: container.network?.sandbox.id ?? '',
    SandboxKey: container.network?.sandbox.key ?? '',
    Ports: portsView(container),
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.EndpointID ?? '',
    Gateway: bridge?.Gateway ?? '',
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? '',
    MacAddress: bridge?.MacAddress ?? '',
    Networks,
  };
}

/** `Ports` of a list entry: published ones once for each host address, exposed ones alone. Sorted, so that lists don't flicker. */
export function portSummary(container: Container): PortSummary[] {
  const list: PortSummary[] = [];
  for (const [port, bindings] of Object.entries(portsView(container))) {
    const [number, type = 'tcp'] = port.split('/');
    const entry = { PrivatePort: Number(number), Type: type as PortSummary['Type'] };
    if (!bindings?.length) list.push(entry);
    for (const { HostIp, HostPort } of bindings ?? []) list.push({ IP: HostIp, ...entry, PublicPort: Number(HostPort) });
  }
  return list.sort((a, b) => a.PrivatePort - b.PrivatePort || a.Type.localeCompare(b.Type) || (a.IP ?? '').localeCompare(b.IP ?? ''));
}
