/**
 * Text for `nft -f`: one table of our own per instance, in which everything that changes is an element of a set or map, so
 * that publishing a port is one element and never a rule.
 */
export interface NetworkRules {
  bridge: string;
  /** CIDRs of the bridge's networks. */
  subnets: string[];
  /** What leaves the host does so under an address of the host's, by family. */
  masquerade: Record<4 | 6, boolean>;
  /** Leave the host with this source address instead of the outgoing link's. */
  sourceAddresses: { 4?: string | undefined; 6?: string | undefined };
  /** What may come in besides published ports: everything (`all`), ICMP (`icmp`), nothing. */
  open: Record<4 | 6, 'all' | 'icmp' | 'none'>;
  internal: boolean;
  /** Endpoints may talk to each other. */
  icc: boolean;
  /** What its endpoints send to published ports is not translated but served by the proxy. */
  proxied: boolean;
  /** Links from which publications that are `trusted` can be reached. */
  trusted: string[];
}

export interface Publication {
  proto: 'tcp' | 'udp' | 'sctp';
  /** `0.0.0.0` and `::`: every local address. */
  hostAddress: string;
  /** 0: the container's own address is open on `port`, nothing is translated. */
  hostPort: number;
  address: string;
  port: number;
  /** With `hostPort` 0: open for trusted links only. */
  trusted?: boolean;
}

const isV6 = (address: string): boolean => address.includes(':');

/**
 * The whole table: replaces the one there is in one transaction.
 *
 * @param onlyV4 IPv6 packets pass untouched
 */
export function tableScript(table: string, networks: NetworkRules[], publications: Publication[], onlyV4 = false): string {
  const family = onlyV4 ? 'meta nfproto ipv6 accept\n    ' : '';
  return [
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {
  set bridges { type ifname; }
  set proxied { type ifname; }
  set trusted { type ifname . ifname; }
  set internal { type ifname; }
  set same { type ifname . ifname; }
  map published4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
  map published4-at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  map published6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
  map published6-at { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }
  set own4 { type ipv4_addr . ifname; flags interval; }
  set own6 { type ipv6_addr . ifname; flags interval; }
  set masquerade4 { type ipv4_addr; flags interval; }
  set masquerade6 { type ipv6_addr; flags interval; }
  map source4 { type ipv4_addr : ipv4_addr; flags interval; }
  map source6 { type ipv6_addr : ipv6_addr; flags interval; }
  set open4 { type ifname; }
  set open6 { type ifname; }
  set icmp4 { type ifname; }
  set icmp6 { type ifname; }
  set opened4 { type ipv4_addr . inet_proto . inet_service; }
  set opened6 { type ipv6_addr . inet_proto . inet_service; }
  set direct4 { type ipv4_addr . inet_proto . inet_service; }
  set direct6 { type ipv6_addr . inet_proto . inet_service; }
  chain loopback {
    comment "route_localnet opens 127.0.0.0/8 to the bridges: only what we translated may pass"
    type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
  }
  chain publish {
    dnat ip to ip daddr . meta l4proto . th dport map @published4-at
    dnat ip to meta l4proto . th dport map @published4
    dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6-at
    dnat ip6 to meta l4proto . th dport map @published6
  }
  chain arriving {
    type nat hook prerouting priority dstnat - 1; policy accept;
    ${family}iifname @proxied return comment "translated below a bridge (br_netfilter) it would go from port to port, which is off there"
    fib daddr type local jump publish
  }
  chain local {
    type nat hook output priority -101; policy accept;
    ${family}ip6 daddr ::1 return comment "IPv6 routes nothing from loopback: the proxy serves it"
    fib daddr type local jump publish
  }
  chain leaving {
    comment "a client on the server's own network that came by a published port must get its answer the same way back"
    type nat hook postrouting priority srcnat - 1; policy accept;
    ${family}oifname @bridges ip saddr 127.0.0.0/8 masquerade
    ip saddr . oifname @own4 ct status dnat masquerade
    ip6 saddr . oifname @own6 ct status dnat masquerade
    ip saddr . oifname @own4 accept
    ip6 saddr . oifname @own6 accept
    snat ip to ip saddr map @source4
    snat ip6 to ip6 saddr map @source6
    ip saddr @masquerade4 masquerade
    ip6 saddr @masquerade6 masquerade
  }
  chain inward {
    ct status dnat accept
    iifname . oifname @same accept
    meta nfproto ipv4 oifname @open4 accept
    meta nfproto ipv6 oifname @open6 accept
    meta l4proto icmp oifname @icmp4 accept
    meta l4proto ipv6-icmp oifname @icmp6 accept
    ip daddr . meta l4proto . th dport @opened4 accept
    ip6 daddr . meta l4proto . th dport @opened6 accept
    iifname . oifname @trusted ip daddr . meta l4proto . th dport @direct4 accept
    iifname . oifname @trusted ip6 daddr . meta l4proto . th dport @direct6 accept
    drop
  }
  chain forwarding {
    type filter hook forward priority filter; policy accept;
    ${family}ct state established,related accept
    iifname @internal oifname != @internal drop
    oifname @bridges jump inward
  }
}`,
    ...networks.flatMap((network) => addNetworkScript(table, network)),
    ...(publications.length > 0 ? [publishScript(table, 'add', publications)] : []),
    '',
  ].join('\n');
}

export function addNetworkScript(table: string, network: NetworkRules): string {
  return networkElements(network, true)
    .map((element) => `add element inet ${table} ${element}`)
    .join('\n');
}

export function removeNetworkScript(table: string, network: NetworkRules): string {
  return networkElements(network, false)
    .map((element) => `delete element inet ${table} ${element}`)
    .join('\n');
}

function networkElements(network: NetworkRules, withValues: boolean): string[] {
  const bridge = `"${network.bridge}"`;
  const elements = [`bridges { ${bridge} }`];
  if (network.icc) elements.push(`same { ${bridge} . ${bridge} }`);
  if (network.proxied) elements.push(`proxied { ${bridge} }`);
  for (const link of network.trusted) elements.push(`trusted { "${link}" . ${bridge} }`);
  if (network.internal) elements.push(`internal { ${bridge} }`);
  for (const subnet of network.subnets) {
    const family = isV6(subnet) ? 6 : 4;
    elements.push(`own${family} { ${subnet} . ${bridge} }`);
    if (network.internal) continue;
    const source = network.sourceAddresses[family];
    if (!network.masquerade[family]) continue;
    if (source) elements.push(`source${family} { ${subnet}${withValues ? ` : ${source}` : ''} }`);
    else elements.push(`masquerade${family} { ${subnet} }`);
  }
  for (const family of [4, 6] as const) {
    if (network.open[family] === 'all') elements.push(`open${family} { ${bridge} }`);
    if (network.open[family] === 'icmp') elements.push(`icmp${family} { ${bridge} }`);
  }
  return elements;
}

/** The set of what is open at the container's own address. */
export const openSet = ({ address, trusted }: Pick<Publication, 'address' | 'trusted'>): string =>
  `${trusted ? 'direct' : 'opened'}${isV6(address) ? 6 : 4}`;

export function publishScript(table: string, verb: 'add' | 'delete', publications: Publication[]): string {
  return publications
    .map(({ proto, hostAddress, hostPort, address, port, trusted }) => {
      if (hostPort === 0) return `${verb} element inet ${table} ${openSet({ address, trusted })} { ${address} . ${proto} . ${port} }`;
      const version = isV6(hostAddress) ? 6 : 4;
      const wildcard = hostAddress === '0.0.0.0' || hostAddress === '::';
      const key = `${wildcard ? '' : `${hostAddress} . `}${proto} . ${hostPort}`;
      const target = verb === 'add' ? ` : ${address} . ${port}` : '';
      return `${verb} element inet ${table} published${version}${wildcard ? '' : '-at'} { ${key}${target} }`;
    })
    .join('\n');
}
