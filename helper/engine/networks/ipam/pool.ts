import { bitsOf, type Cidr, contains, lastOf } from './addresses.ts';

/**
 * The addresses of one subnet. Dynamic addresses come from `range`, lowest free first, as dockerd gives them; static ones
 * may lie anywhere in the subnet. Pure: who uses what is told again after a restart.
 */
export class AddressPool {
  readonly subnet: Cidr;
  readonly #range: Cidr;
  readonly #used = new Set<bigint>();
  /** No address below it is free in the range: keeps the search for the lowest one short. */
  #floor: bigint;

  constructor(subnet: Cidr, options: { range?: Cidr; reserved?: bigint[] } = {}) {
    this.subnet = subnet;
    this.#range = options.range ?? subnet;
    this.#floor = this.#range.base;
    for (const address of options.reserved ?? []) this.#used.add(address);
  }

  /** The network's own address and, in IPv4, the broadcast address are nobody's; /31, /32, /127 and /128 have neither. */
  #special(value: bigint): boolean {
    if (this.subnet.prefix >= bitsOf(this.subnet.family) - 1) return false;
    return value === this.subnet.base || (this.subnet.family === 4 && value === lastOf(this.subnet));
  }

  /** Lowest free address; undefined when there is none. */
  allocate(): bigint | undefined {
    const last = lastOf(this.#range);
    for (let value = this.#floor; value <= last; value++) {
      if (this.#used.has(value) || this.#special(value)) continue;
      this.#used.add(value);
      this.#floor = value + 1n;
      return value;
    }
    this.#floor = last + 1n;
    return undefined;
  }

  /** Takes this address. False when it is taken, special, or not of the subnet. */
  claim(value: bigint): boolean {
    if (!contains(this.subnet, value) || this.#special(value) || this.#used.has(value)) return false;
    this.#used.add(value);
    return true;
  }

  release(value: bigint): void {
    if (!this.#used.delete(value)) return;
    if (value >= this.#range.base && value < this.#floor) this.#floor = value;
  }

  get used(): number {
    return this.#used.size;
  }
}
