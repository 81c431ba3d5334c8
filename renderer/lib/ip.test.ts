import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseOf, contains, formatIp, type Ip, overlap, parseIp, parseSubnet, type Subnet } from './ip.ts';

const subnet = (text: string) => parseSubnet(text) as Subnet;
const ip = (text: string) => parseIp(text) as Ip;

describe('addresses', () => {
  it('are read in the forms that people write', () => {
    expect(parseIp('10.0.0.7')).toEqual({ bits: 32, value: 0x0a000007n });
    expect(parseIp('::')).toEqual({ bits: 128, value: 0n });
    expect(parseIp('fd00::1')?.value).toBe((0xfdn << 120n) | 1n);
    expect(parseIp('::ffff:10.0.0.7')?.value).toBe(0xffff0a000007n);
    for (const none of ['', '10.0.0', '10.0.0.256', '10.0.0.07', '1::2::3', 'fd00::1%eth0', 'g::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9'])
      expect(parseIp(none)).toBeUndefined();
  });

  it('are written as RFC 5952 has it, and read back', () => {
    for (const text of ['10.1.2.3', '::', '::1', 'fd00::', 'fd00::1:0:0:1', '1:0:0:2::3', '1:2:3:4:5:6:7:8', '0:1:0:1:0:1:0:1'])
      expect(formatIp(ip(text))).toBe(text);
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 128n) - 1n), (value) => {
        const zeros = value & (value >> 3n) & ~0xffff0000n;
        for (const each of [value, zeros]) expect(parseIp(formatIp({ bits: 128, value: each }))?.value).toBe(each);
      }),
    );
  });
});

describe('subnets', () => {
  it('need their number of bits', () => {
    expect(parseSubnet('10.0.0.0/24')).toMatchObject({ bits: 32, prefix: 24 });
    for (const none of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', 'fd00::/129', '10.0.0.0/24/8']) expect(parseSubnet(none)).toBeUndefined();
  });

  it('contain addresses and overlap others of their family', () => {
    expect(contains(subnet('10.0.0.0/24'), ip('10.0.0.255'))).toBe(true);
    expect(contains(subnet('10.0.0.0/24'), ip('10.0.1.0'))).toBe(false);
    expect(contains(subnet('0.0.0.0/0'), ip('fd00::1'))).toBe(false);
    expect(overlap(subnet('10.0.0.0/8'), subnet('10.9.0.0/16'))).toBe(true);
    expect(overlap(subnet('10.9.0.0/16'), subnet('10.0.0.0/8'))).toBe(true);
    expect(overlap(subnet('10.0.0.0/16'), subnet('10.1.0.0/16'))).toBe(false);
    expect(formatIp(baseOf(subnet('10.0.5.7/16')))).toBe('10.0.0.0');
  });
});
