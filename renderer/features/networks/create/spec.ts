import type { NetworkCreateRequest } from '../../../../helper/contract/docker/index.ts';
import { baseOf, contains, formatIp, type Ip, overlap, parseIp, parseSubnet, type Subnet } from '../../../lib/ip.ts';
import { namePattern } from '../../../lib/names.ts';
import { pairsOf, quoteWord } from '../../../lib/words.ts';
import type { Pair } from '../../../ui/PairRows.tsx';

export const drivers = ['bridge', 'macvlan', 'ipvlan'] as const;
export type NetworkDriver = (typeof drivers)[number];

/** Addresses of one family, as typed. */
export interface AddressSpec {
  subnet: string;
  gateway: string;
  range: string;
}

/** What the form edits, as typed. */
export interface NetworkSpec {
  name: string;
  driver: NetworkDriver;
  /** macvlan, ipvlan: a link of the host; empty: none. */
  parent: string;
  v4: AddressSpec;
  ipv6: boolean;
  /** Counts with `ipv6`. */
  v6: AddressSpec;
  internal: boolean;
  attachable: boolean;
  options: Pair[];
  labels: Pair[];
}

const noAddresses: AddressSpec = { subnet: '', gateway: '', range: '' };
export const emptyNetwork: NetworkSpec = {
  name: '',
  driver: 'bridge',
  parent: '',
  v4: noAddresses,
  ipv6: false,
  v6: noAddresses,
  internal: false,
  attachable: false,
  options: [],
  labels: [],
};

const hasParent = ({ driver }: NetworkSpec): boolean => driver !== 'bridge';
const families = (spec: NetworkSpec): AddressSpec[] => (spec.ipv6 ? [spec.v4, spec.v6] : [spec.v4]);

function optionsOf(spec: NetworkSpec): [string, string][] {
  return [...(hasParent(spec) && spec.parent ? [['parent', spec.parent] as [string, string]] : []), ...pairsOf(spec.options)];
}

export function createRequest(spec: NetworkSpec): NetworkCreateRequest {
  const configs = families(spec)
    .filter(({ subnet }) => subnet !== '')
    .map(({ subnet, gateway, range }) => ({ Subnet: subnet, ...(range && { IPRange: range }), ...(gateway && { Gateway: gateway }) }));
  const options = optionsOf(spec);
  const labels = pairsOf(spec.labels);
  return {
    Name: spec.name,
    Driver: spec.driver,
    ...(spec.ipv6 && { EnableIPv6: true }),
    ...(spec.internal && { Internal: true }),
    ...(spec.attachable && { Attachable: true }),
    ...(configs.length > 0 && { IPAM: { Driver: 'default', Config: configs } }),
    ...(options.length > 0 && { Options: Object.fromEntries(options) }),
    ...(labels.length > 0 && { Labels: Object.fromEntries(labels) }),
  };
}

/** The `docker network create` that does the same, cut where a line may end. */
export function createLines(spec: NetworkSpec): string[] {
  return [
    'docker network create',
    ...(spec.driver !== 'bridge' ? [`--driver ${spec.driver}`] : []),
    ...families(spec).flatMap(({ subnet, gateway, range }) => [
      ...(subnet ? [`--subnet ${quoteWord(subnet)}`] : []),
      ...(gateway ? [`--gateway ${quoteWord(gateway)}`] : []),
      ...(range ? [`--ip-range ${quoteWord(range)}`] : []),
    ]),
    ...(spec.ipv6 ? ['--ipv6'] : []),
    ...(spec.internal ? ['--internal'] : []),
    ...(spec.attachable ? ['--attachable'] : []),
    ...optionsOf(spec).map(([name, value]) => `--opt ${quoteWord(`${name}=${value}`)}`),
    ...pairsOf(spec.labels).map(([name, value]) => `--label ${quoteWord(value ? `${name}=${value}` : name)}`),
    spec.name === '' ? 'NAME' : quoteWord(spec.name),
  ];
}

/** A network that the host has: its name and subnets. */
export interface Taken {
  name: string;
  subnets: string[];
}
/** What a text under `networkCreate.` says of a field, with what it names. */
export interface Problem {
  key: string;
  values?: Record<string, string>;
}
/** Fields are `name`, `v4.subnet`, `v6.gateway`, `labels.0` … */
export type Problems = Partial<Record<string, Problem>>;

/** What is wrong before the engine is asked. @param taken on that host */
export function problemsOf(spec: NetworkSpec, taken: Taken[]): Problems {
  const { name } = spec;
  const problems: Problems = {};
  if (name === '') problems.name = { key: 'nameMissing' };
  else if (!namePattern.test(name)) problems.name = { key: 'nameInvalid' };
  else if (taken.some((other) => other.name === name)) problems.name = { key: 'nameTaken', values: { name } };
  Object.assign(problems, addressProblems('v4', 32, spec.v4, taken));
  if (spec.ipv6) Object.assign(problems, addressProblems('v6', 128, spec.v6, taken));
  for (const list of ['options', 'labels'] as const)
    for (const [i, pair] of spec[list].entries()) if (!pair.name.trim() && pair.value) problems[`${list}.${i}`] = { key: 'pairMissing' };
  return problems;
}

function addressProblems(family: 'v4' | 'v6', bits: Ip['bits'], { subnet, gateway, range }: AddressSpec, taken: Taken[]): Problems {
  const problems: Problems = {};
  const whole = subnetProblem(family, bits, subnet, taken);
  if (whole) problems[`${family}.subnet`] = whole;
  else if (subnet === '' && (gateway || range)) problems[`${family}.subnet`] = { key: 'subnetMissing' };
  const inside = parseSubnet(subnet);
  const at = parseIp(gateway);
  const part = parseSubnet(range);
  if (gateway && at?.bits !== bits) problems[`${family}.gateway`] = { key: 'gatewayInvalid' };
  else if (at && inside && !contains(inside, at)) problems[`${family}.gateway`] = { key: 'outside', values: { subnet } };
  if (range && part?.bits !== bits) problems[`${family}.range`] = { key: 'rangeInvalid' };
  else if (part && inside && (part.prefix < inside.prefix || !contains(inside, part)))
    problems[`${family}.range`] = { key: 'outside', values: { subnet } };
  return problems;
}

function subnetProblem(family: 'v4' | 'v6', bits: Ip['bits'], text: string, taken: Taken[]): Problem | undefined {
  if (text === '') return undefined;
  const subnet = parseSubnet(text);
  if (subnet?.bits !== bits) return { key: family === 'v4' ? 'subnetInvalid' : 'subnet6Invalid' };
  const base = baseOf(subnet);
  if (base.value !== subnet.value) return { key: 'subnetBits', values: { subnet: `${formatIp(base)}/${subnet.prefix}` } };
  for (const { name, subnets } of taken) {
    const other = subnets.find((each) => overlaps(subnet, parseSubnet(each)));
    if (other !== undefined) return { key: 'subnetTaken', values: { name, subnet: other } };
  }
  return undefined;
}
const overlaps = (a: Subnet, b: Subnet | undefined): boolean => b !== undefined && overlap(a, b);
