/** An IPv4 or IPv6 address as a number. */
export interface Ip {
  bits: 32 | 128;
  value: bigint;
}
/** All addresses that begin with the same `prefix` bits. */
export interface Subnet extends Ip {
  prefix: number;
}

/** @returns undefined for what is no address (leading zeros and zones are none) */
export function parseIp(text: string): Ip | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Ip | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return { bits: 32, value: parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) };
}

function parseIpv6(text: string): Ip | undefined {
  const halves = text.toLowerCase().split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':').flatMap(groupsOf)));
  const known = groups.flat();
  if (!known.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined;
  if (halves.length === 1 ? known.length !== 8 : known.length > 7) return undefined;
  const zeros = Array.from({ length: 8 - known.length }, () => '0');
  const all = [...(groups[0] ?? []), ...zeros, ...(groups[1] ?? [])];
  return { bits: 128, value: all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) };
}

/** The last 32 bits may be written as IPv4. */
function groupsOf(group: string): string[] {
  const inside = group.includes('.') ? parseIpv4(group) : undefined;
  return inside ? [(inside.value >> 16n).toString(16), (inside.value & 0xffffn).toString(16)] : [group];
}

/** @returns undefined for what is no `ADDRESS/BITS` */
export function parseSubnet(text: string): Subnet | undefined {
  const [address = '', bits = '', ...rest] = text.split('/');
  const ip = parseIp(address);
  if (!ip || rest.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > ip.bits) return undefined;
  return { ...ip, prefix: Number(bits) };
}

const shift = ({ bits, prefix }: Subnet): bigint => BigInt(bits - prefix);
/** Its first address. */
export const baseOf = (subnet: Subnet): Ip => ({ bits: subnet.bits, value: (subnet.value >> shift(subnet)) << shift(subnet) });

export function contains(subnet: Subnet, ip: Ip): boolean {
  return subnet.bits === ip.bits && subnet.value >> shift(subnet) === ip.value >> shift(subnet);
}
export function overlap(a: Subnet, b: Subnet): boolean {
  return a.prefix <= b.prefix ? contains(a, b) : contains(b, a);
}

/** As people write it: the longest run of zeros of an IPv6 address left out. Source: RFC 5952. */
export function formatIp({ bits, value }: Ip): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((by) => String((value >> by) & 0xffn)).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  const runs = [...groups.join(':').matchAll(/\b0(?::0)+\b/g)].map(([run]) => run);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  const text = groups.join(':');
  if (longest === '') return text;
  const at = text.search(new RegExp(`\\b${longest}\\b`));
  return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}
