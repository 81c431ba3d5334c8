import type { IPAM } from '../../../contract/docker/index.ts';
import { Failure } from '../../failure.ts';
import type { StoredIpam } from '../store.ts';
import { addressText, bitsOf, type Cidr, cidrText, contains, lastOf, overlap, parseAddress, parseCidr } from './addresses.ts';

type Config = NonNullable<IPAM['Config']>[number];

/**
 * The subnets that a user asks for, checked.
 *
 * @param enableV6    false: IPv6 subnets are left out
 * @param fillGateway whether a network of this family has the first address for its gateway where none is given
 * @throws Failure invalidParameter with dockerd's texts, all faults at once
 */
export function readIpamConfig(configs: Config[], enableV6: boolean, fillGateway: (family: 4 | 6) => boolean): StoredIpam[] {
  const faults: string[] = [];
  const result: StoredIpam[] = [];
  for (const config of configs) {
    if (!config.Subnet) {
      if (config.Gateway || config.IPRange) faults.push('invalid subnet : subnet is required with a gateway or an ip-range');
      continue;
    }
    const parsed = parseCidr(config.Subnet);
    if (!parsed) {
      faults.push(`invalid subnet ${config.Subnet}: invalid CIDR block notation`);
      continue;
    }
    const { cidr, address } = parsed;
    if (cidr.family === 6 && !enableV6) continue;
    if (address !== cidr.base) faults.push(`invalid subnet ${config.Subnet}: it should be ${cidrText(cidr)}`);
    const range = config.IPRange ? checkRange(config.IPRange, cidr, faults) : undefined;
    const gateway = config.Gateway ? checkAddress(config.Gateway, cidr, `invalid gateway ${config.Gateway}`, faults) : undefined;
    const aux = Object.fromEntries(
      Object.entries(config.AuxiliaryAddresses ?? {}).map(([name, text]) => [
        name,
        checkAddress(text, cidr, `invalid auxiliary address ${name}`, faults) ?? text,
      ]),
    );
    const twice = Object.entries(aux).find(([, text]) => text === gateway);
    if (twice) throw new Failure('forbidden', `failed to allocate secondary ip address (${twice.join(':')}): Address already in use`);
    const known = gateway ?? (fillGateway(cidr.family) ? freeGateway(cidr, Object.values(aux)) : undefined);
    result.push({
      subnet: cidrText(cidr),
      ...(range ? { range } : {}),
      ...(known ? { gateway: known } : {}),
      aux,
      chosen: true,
    });
  }
  if (faults.length > 0) throw new Failure('invalidParameter', `invalid network config:\n${faults.join('\n')}`);
  for (const [index, a] of result.entries()) {
    for (const b of result.slice(index + 1)) {
      const [first, second] = [parseCidr(a.subnet), parseCidr(b.subnet)];
      if (first && second && overlap(first.cidr, second.cidr)) throw poolOverlap();
    }
  }
  return result;
}

export const poolOverlap = (): Failure => new Failure('forbidden', 'Pool overlaps with other one on this address space');

function checkRange(text: string, subnet: Cidr, faults: string[]): string | undefined {
  const parsed = parseCidr(text);
  if (!parsed) {
    faults.push(`invalid ip-range ${text}: invalid CIDR block notation`);
    return undefined;
  }
  const { cidr, address } = parsed;
  if (cidr.family !== subnet.family) {
    faults.push(`invalid ip-range ${text}: parent subnet is an IPv${subnet.family} block`);
    return undefined;
  }
  if (cidr.prefix < subnet.prefix) faults.push(`invalid ip-range ${text}: CIDR block is bigger than its parent subnet ${cidrText(subnet)}`);
  if (address !== cidr.base) faults.push(`invalid ip-range ${text}: it should be ${cidrText(cidr)}`);
  if (!overlap(cidr, subnet)) faults.push(`invalid ip-range ${text}: parent subnet ${cidrText(subnet)} doesn't contain ip-range`);
  return cidrText(cidr);
}

function checkAddress(text: string, subnet: Cidr, what: string, faults: string[]): string | undefined {
  const parsed = parseAddress(text);
  if (!parsed) faults.push(`${what}: invalid address`);
  else if (parsed.family !== subnet.family) faults.push(`${what}: parent subnet is an IPv${subnet.family} block`);
  else if (!contains(subnet, parsed.value)) faults.push(`${what}: parent subnet ${cidrText(subnet)} doesn't contain this address`);
  else return addressText(parsed.family, parsed.value);
  return undefined;
}

/** The first host address that no auxiliary address takes. */
function freeGateway(subnet: Cidr, taken: string[]): string {
  let value = subnet.prefix >= bitsOf(subnet.family) - 1 ? subnet.base : subnet.base + 1n;
  while (value < lastOf(subnet) && taken.includes(addressText(subnet.family, value))) value++;
  return addressText(subnet.family, value);
}
