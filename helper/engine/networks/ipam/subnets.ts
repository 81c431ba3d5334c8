import { addressText, bitsOf, type Cidr, overlap, parseCidr } from './addresses.ts';

/** Docker's default pools: `base` is cut into networks of prefix length `size`. */
const DEFAULT_POOLS: { base: string; size: number }[] = [
  ...Array.from({ length: 15 }, (_, index) => ({ base: `172.${17 + index}.0.0/16`, size: 16 })),
  { base: '192.168.0.0/16', size: 20 },
];

/**
 * The first network of the pools that meets nothing of `taken`.
 *
 * @param pools dockerd's `default-address-pools`; empty: Docker's own
 * @returns undefined when all are used up
 */
export function chooseSubnet(family: 4 | 6, pools: { base: string; size: number }[], taken: Cidr[]): Cidr | undefined {
  const candidates = pools.length > 0 || family === 6 ? pools : DEFAULT_POOLS;
  for (const pool of candidates) {
    const parsed = parseCidr(pool.base)?.cidr;
    if (!parsed || parsed.family !== family || pool.size < parsed.prefix) continue;
    const step = 1n << BigInt(bitsOf(family) - pool.size);
    const end = parsed.base + (1n << BigInt(bitsOf(family) - parsed.prefix));
    for (let base = parsed.base; base < end; ) {
      const candidate: Cidr = { family, base, prefix: pool.size };
      const met = taken.find((other) => overlap(candidate, other));
      if (!met) return candidate;
      // Beyond what was met, on the next boundary: pools can hold 2^48 networks.
      const beyond = met.base + (1n << BigInt(bitsOf(family) - met.prefix));
      base = beyond <= base + step ? base + step : base + ((beyond - base + step - 1n) / step) * step;
    }
  }
  return undefined;
}

/** A unique local /48 (RFC 4193) from 40 bits that are random but the same for one installation. */
export function uniqueLocalPool(seed: Uint8Array): { base: string; size: number } {
  let value = 0xfdn;
  for (let index = 0; index < 5; index++) value = (value << 8n) | BigInt(seed[index] ?? 0);
  return { base: `${addressText(6, value << 80n)}/48`, size: 64 };
}
