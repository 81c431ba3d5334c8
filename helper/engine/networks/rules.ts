import type { NetworkRules } from '../../system/nft/script.ts';
import { type Network, OPTION } from './model.ts';
import { gatewayMode, trustedLinks } from './options.ts';

/**
 * What the packet filter has to know of a bridge network; undefined for others.
 * @param proxy whether a proxy serves published ports where the packet filter does not
 */
export function rulesOf(network: Network, proxy: boolean): NetworkRules | undefined {
  if (network.stored.driver !== 'bridge') return undefined;
  const modes = { 4: gatewayMode(network, 4), 6: gatewayMode(network, 6) };
  const masquerade = network.flag(OPTION.masquerade, true);
  const nat = (family: 4 | 6): boolean => modes[family] === 'nat' || modes[family] === 'nat-unprotected';
  const open = (family: 4 | 6) => (modes[family] === 'nat-unprotected' ? 'all' : modes[family] === 'routed' ? 'icmp' : 'none');
  return {
    bridge: network.stored.link,
    subnets: network.stored.ipam.config.map((config) => config.subnet),
    masquerade: { 4: masquerade && nat(4), 6: masquerade && nat(6) },
    sourceAddresses: { 4: network.option(OPTION.hostIpv4), 6: network.option(OPTION.hostIpv6) },
    open: { 4: open(4), 6: open(6) },
    internal: network.stored.internal,
    icc: network.flag(OPTION.icc, true),
    proxied: proxy && !network.flag(OPTION.icc, true),
    trusted: trustedLinks(network.stored.options),
  };
}
