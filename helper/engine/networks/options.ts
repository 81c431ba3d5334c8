import type { NetworkCreateRequest } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import { parseAddress } from './ipam/addresses.ts';
import { ANNOUNCEMENT_MS, ANNOUNCEMENTS, type GatewayMode, type Network, OPTION } from './model.ts';
import type { StoredNetwork } from './store.ts';

const BOOLEANS = [OPTION.icc, OPTION.masquerade, OPTION.inhibitIpv4, OPTION.defaultBridge];
const MODES = ['nat', 'nat-unprotected', 'routed', 'isolated'];

const refuse = (key: string, value: string, why: string): never => {
  throw new Failure('invalidParameter', `failed to parse ${key} value: ${value} (${why})`);
};

/** As Go's strconv.ParseBool. */
export const BOOLEAN = /^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/;

/** Driver options that are wrong in themselves. Unknown ones are kept and mean nothing, as in dockerd. @throws Failure invalidParameter */
export function checkOptions(driver: StoredNetwork['driver'], request: NetworkCreateRequest): void {
  const options = request.Options ?? {};
  if (driver === 'bridge') checkBridgeOptions(options, request.Internal ?? false);
  else checkLanOptions(driver, options);
  checkAnnouncements(options, OPTION.announcements, 'an integer', ANNOUNCEMENTS);
  checkAnnouncements(options, OPTION.announcementMs, 'integer milliseconds', ANNOUNCEMENT_MS);
  const mtu = options[OPTION.mtu];
  if (mtu === undefined) return;
  if (!/^[+-]?\d+$/.test(mtu)) refuse(OPTION.mtu, mtu, `strconv.Atoi: parsing ${JSON.stringify(mtu)}: invalid syntax`);
  // What an IPv4 link needs at least, and the kernel takes at most.
  if (Number(mtu) < 0 || Number(mtu) > 65_535) throw new Failure('invalidParameter', `invalid MTU number: ${mtu}`);
}

function checkAnnouncements(
  options: Record<string, string>,
  key: string,
  what: string,
  { least, most }: { least: number; most: number },
): void {
  const value = options[key];
  if (value === undefined) return;
  if (!/^[+-]?\d+$/.test(value)) {
    throw new Failure('invalidParameter', `value for option ${key} ${JSON.stringify(value)} must be ${what}`);
  }
  if (Number(value) < least || Number(value) > most) {
    throw new Failure('invalidParameter', `${key} must be in the range ${least} to ${most}`);
  }
}

function checkBridgeOptions(options: Record<string, string>, internal: boolean): void {
  for (const key of BOOLEANS) {
    const value = options[key];
    if (value !== undefined && !BOOLEAN.test(value)) {
      refuse(key, value, `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
    }
  }
  for (const [key, family] of [
    [OPTION.hostBinding, 4],
    [OPTION.hostIpv4, 4],
    [OPTION.hostIpv6, 6],
  ] as const) {
    const value = options[key];
    if (value !== undefined && parseAddress(value)?.family !== family) refuse(key, value, 'nil ip');
  }
  for (const key of [OPTION.gatewayMode4, OPTION.gatewayMode6]) {
    const mode = options[key];
    if (mode !== undefined && !MODES.includes(mode)) refuse(key, mode, `unknown gateway mode ${mode}`);
    if (mode === 'isolated' && !internal) {
      throw new Failure('invalidParameter', "gateway mode 'isolated' can only be used for an internal network");
    }
  }
  const bridge = options[OPTION.bridgeName];
  if (bridge !== undefined && !isLinkName(bridge)) {
    throw new Failure('invalidParameter', `invalid bridge name ${JSON.stringify(bridge)}: at most 15 characters, no slash, colon or space`);
  }
  for (const name of trustedLinks(options)) {
    if (!isLinkName(name)) throw new Failure('invalidParameter', `invalid link ${JSON.stringify(name)} in ${OPTION.trustedLinks}`);
  }
  const prefix = options[OPTION.linkPrefix];
  // A number comes behind it.
  if (prefix !== undefined && !(isLinkName(`${prefix}0`) && prefix.length <= 12)) {
    throw new Failure(
      'invalidParameter',
      `invalid ${OPTION.linkPrefix} ${JSON.stringify(prefix)}: at most 12 characters, no slash, colon or space`,
    );
  }
}

function checkLanOptions(driver: StoredNetwork['driver'], options: Record<string, string>): void {
  const choose = (key: string, what: string, known: string[], fallback: string): void => {
    const value = options[key];
    if (value && !known.includes(value)) {
      throw new Failure(
        'invalidParameter',
        `requested ${driver} ${what} '${value}' is not valid, ${fallback} is the ${driver} driver default`,
      );
    }
  };
  if (driver === 'macvlan') choose('macvlan_mode', 'mode', ['bridge', 'private', 'passthru', 'vepa'], "'bridge' mode");
  if (driver === 'ipvlan') {
    choose('ipvlan_mode', 'mode', ['l2', 'l3', 'l3s'], "'l2' mode");
    choose('ipvlan_flag', 'flag', ['bridge', 'private', 'vepa'], "'bridge'");
  }
  if (options.parent === 'lo') throw new Failure('invalidParameter', `loopback interface is not a valid ${driver} parent link`);
}

/** One link, several networks: dockerd shares it between all but those in mode passthru. @throws Failure forbidden */
export function checkParent(others: Iterable<Network>, request: NetworkCreateRequest): void {
  const { parent, macvlan_mode: mode } = request.Options ?? {};
  if (request.Driver !== 'macvlan' || !parent) return;
  for (const other of others) {
    if (other.stored.driver !== 'macvlan' || other.stored.link !== parent) continue;
    if (mode === 'passthru') {
      throw new Failure('forbidden', `cannot use mode passthru, macvlan network ${other.id} is already using parent interface ${parent}`);
    }
    if (other.option('macvlan_mode') === 'passthru') {
      throw new Failure('forbidden', `macvlan network ${other.id} is already using parent interface ${parent} in mode passthru`);
    }
  }
}

/** A name that the kernel gives a link. */
export function isLinkName(name: string): boolean {
  return /^[^\s/:]{1,15}$/.test(name) && name !== '.' && name !== '..';
}

/** How packets of one family get between a bridge network and the world; NAT unless said otherwise, for IPv6, too. */
export function gatewayMode(network: Network, family: 4 | 6): GatewayMode {
  return (network.option(family === 4 ? OPTION.gatewayMode4 : OPTION.gatewayMode6) as GatewayMode | undefined) ?? 'nat';
}

/** Links of the host that may reach a network's published ports without the host's address. */
export function trustedLinks(options: Record<string, string>): string[] {
  return (options[OPTION.trustedLinks] ?? '').split(':').filter((name) => name !== '');
}
