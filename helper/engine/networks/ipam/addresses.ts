import ipaddr from 'ipaddr.js';

/** Addresses as numbers, so that ranges can be counted. */
export type Family = 4 | 6;

export interface Cidr {
  family: Family;
  /** First address of the network. */
  base: bigint;
  prefix: number;
}

export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);

/** Undefined when the text is no address. IPv4-mapped and zoned forms are none either. */
export function parseAddress(text: string): { family: Family; value: bigint } | undefined {
  const strict = text.includes(':') ? ipaddr.IPv6.isValid(text) && !text.includes('%') : ipaddr.IPv4.isValidFourPartDecimal(text);
  if (!strict) return undefined;
  const bytes = ipaddr.parse(text).toByteArray();
  return { family: bytes.length === 4 ? 4 : 6, value: bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) };
}

export function addressText(family: Family, value: bigint): string {
  const bytes: number[] = [];
  for (let shift = BigInt(bitsOf(family) - 8); shift >= 0n; shift -= 8n) bytes.push(Number((value >> shift) & 0xffn));
  return family === 4 ? bytes.join('.') : ipaddr.fromByteArray(bytes).toString();
}

/** The network with its host bits cut off, and the address as it was written. Undefined when the text is no CIDR. */
export function parseCidr(text: string): { cidr: Cidr; address: bigint } | undefined {
  const [host = '', length = '', more] = text.split('/');
  const address = parseAddress(host);
  if (!address || more !== undefined || !/^\d{1,3}$/.test(length)) return undefined;
  const prefix = Number(length);
  const bits = bitsOf(address.family);
  if (prefix > bits) return undefined;
  return { cidr: { family: address.family, base: mask(address.value, prefix, bits), prefix }, address: address.value };
}

function mask(value: bigint, prefix: number, bits: number): bigint {
  const hostBits = BigInt(bits - prefix);
  return (value >> hostBits) << hostBits;
}

/** 169.254.0.0/16, fe80::/10 */
export function isLinkLocal(text: string): boolean {
  const address = parseAddress(text);
  if (!address) return false;
  return address.family === 4 ? address.value >> 16n === 0xa9fen : address.value >> 118n === 0x3fan;
}

export const cidrText = (cidr: Cidr): string => `${addressText(cidr.family, cidr.base)}/${cidr.prefix}`;

export const lastOf = (cidr: Cidr): bigint => cidr.base + (1n << BigInt(bitsOf(cidr.family) - cidr.prefix)) - 1n;

export const contains = (cidr: Cidr, value: bigint): boolean => value >= cidr.base && value <= lastOf(cidr);

export const overlap = (a: Cidr, b: Cidr): boolean => a.family === b.family && a.base <= lastOf(b) && b.base <= lastOf(a);

/** `02:42:` and the four bytes of the address, as dockerd gives them to endpoints of bridges. */
export function macOfAddress(value: bigint): string {
  const bytes = [0x02, 0x42, ...[24n, 16n, 8n, 0n].map((shift) => Number((value >> shift) & 0xffn))];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
