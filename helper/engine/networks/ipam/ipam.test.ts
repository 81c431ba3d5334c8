import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressText, type Cidr, cidrText, contains, lastOf, macOfAddress, overlap, parseAddress, parseCidr } from './addresses.ts';
import { AddressPool } from './pool.ts';
import { chooseSubnet, uniqueLocalPool } from './subnets.ts';

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(text);
  return parsed.cidr;
};
const value = (text: string): bigint => parseAddress(text)?.value ?? -1n;
const text4 = (address: bigint | undefined): string => (address === undefined ? 'none' : addressText(4, address));

const anyCidr = fc
  .tuple(fc.bigInt({ min: 0n, max: 0xffffffffn }), fc.integer({ min: 1, max: 30 }))
  .map(([address, prefix]) => cidr(`${addressText(4, address)}/${prefix}`));

describe('addresses', () => {
  it('reads and writes every address of both families', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), (n) => parseAddress(addressText(4, n))?.value === n));
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (n) => parseAddress(addressText(6, n))?.value === n));
  });

  it('refuses what is no address', () => {
    for (const text of ['', '1.2.3', '01.2.3.4.5', '1.2.3.256', 'fe80::1%eth0', 'x', '10.0.0.0/8'])
      expect(parseAddress(text)).toBeUndefined();
    for (const text of ['', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/8/8', 'fd00::/129', '10.0.0.0/-1'])
      expect(parseCidr(text)).toBeUndefined();
  });

  it('cuts host bits and keeps the address', () => {
    const parsed = parseCidr('172.17.0.1/16');
    expect(parsed && cidrText(parsed.cidr)).toBe('172.17.0.0/16');
    expect(text4(parsed?.address)).toBe('172.17.0.1');
  });

  it('makes the MAC that dockerd makes', () => {
    expect(macOfAddress(value('172.17.0.2'))).toBe('02:42:ac:11:00:02');
  });
});

describe('pool', () => {
  it('gives the lowest free address, and a released one again', () => {
    const pool = new AddressPool(cidr('10.1.0.0/29'), { reserved: [value('10.1.0.1')] });
    expect([0, 1, 2].map(() => text4(pool.allocate()))).toEqual(['10.1.0.2', '10.1.0.3', '10.1.0.4']);
    pool.release(value('10.1.0.3'));
    expect(text4(pool.allocate())).toBe('10.1.0.3');
    expect([0, 1, 2].map(() => text4(pool.allocate()))).toEqual(['10.1.0.5', '10.1.0.6', 'none']);
  });

  it('gives dynamic addresses from the range and static ones from the subnet', () => {
    const pool = new AddressPool(cidr('10.1.0.0/16'), { range: cidr('10.1.5.0/24') });
    expect(text4(pool.allocate())).toBe('10.1.5.0');
    expect(pool.claim(value('10.1.9.9'))).toBe(true);
    expect(pool.claim(value('10.1.9.9'))).toBe(false);
    expect(pool.claim(value('10.2.0.1'))).toBe(false);
    expect(pool.claim(value('10.1.255.255'))).toBe(false);
  });

  it('never gives an address twice, whatever is taken and released between', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20))), (steps) => {
        const pool = new AddressPool(cidr('10.0.0.0/28'));
        const held: bigint[] = [];
        for (const [take, which] of steps) {
          if (take) {
            const got = pool.allocate();
            if (got === undefined) expect(held.length).toBe(14);
            else {
              expect(held).not.toContain(got);
              expect(contains(pool.subnet, got)).toBe(true);
              for (let lower = pool.subnet.base + 1n; lower < got; lower++) expect(held).toContain(lower);
              held.push(got);
            }
          } else {
            const [gone] = held.splice(which % (held.length || 1), 1);
            if (gone !== undefined) pool.release(gone);
          }
        }
      }),
    );
  });
});

describe('subnets', () => {
  it('walks Docker’s pools around what is taken', () => {
    const chosen: string[] = [];
    const taken = [cidr('172.18.0.0/16'), cidr('172.20.5.0/24')];
    for (let index = 0; index < 14; index++) {
      const next = chooseSubnet(4, [], taken);
      if (next) taken.push(next);
      chosen.push(next ? cidrText(next) : 'none');
    }
    expect(chosen.slice(0, 3)).toEqual(['172.17.0.0/16', '172.19.0.0/16', '172.21.0.0/16']);
    expect(chosen.at(-1)).toBe('192.168.0.0/20');
  });

  it('never meets what is taken, and ends', () => {
    fc.assert(
      fc.property(fc.array(anyCidr, { maxLength: 20 }), (taken) => {
        const chosen = chooseSubnet(4, [{ base: '10.0.0.0/8', size: 24 }], taken);
        if (chosen) {
          expect(taken.some((other) => overlap(chosen, other))).toBe(false);
          expect(contains(cidr('10.0.0.0/8'), lastOf(chosen))).toBe(true);
        }
      }),
    );
  });

  it('finds unique local networks', () => {
    const pool = uniqueLocalPool(Uint8Array.of(1, 2, 3, 4, 5));
    expect(pool).toEqual({ base: 'fd01:203:405::/48', size: 64 });
    expect(chooseSubnet(6, [pool], [cidr('fd01:203:405::/64')])).toEqual(cidr('fd01:203:405:1::/64'));
  });
});
