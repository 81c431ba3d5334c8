import type { EndpointSettings } from '../../contract/docker/index.ts';
import { writeSetting } from '../../system/netns/index.ts';
import { Failure } from '../failure.ts';
import { ENDPOINT_OPTION } from './model.ts';

/** `net.ipv4.conf.IFNAME.forwarding=1,…` of an endpoint's options, for the link when it has its name. */
function sysctlsOf(settings: EndpointSettings): string[] {
  return settings.DriverOpts?.[ENDPOINT_OPTION.sysctls]?.split(',') ?? [];
}

/** @returns what is wrong, in dockerd's words */
export function sysctlFaults(settings: EndpointSettings): string[] {
  return sysctlsOf(settings)
    .filter((sysctl) => !/^[^.=]+\.(ipv4|ipv6|mpls)\.[^.=]+\.(IFNAME|ifname)\.[^/]+$/.test(sysctl))
    .map(
      (sysctl) =>
        `unrecognised network interface sysctl '${sysctl}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
    );
}

/** In the container's namespace. @throws Failure invalidParameter, system */
export function applySysctls(settings: EndpointSettings, link: string): void {
  for (const sysctl of sysctlsOf(settings)) {
    const cut = sysctl.indexOf('=');
    if (cut < 0) throw new Failure('invalidParameter', `expected sysctl '${sysctl}' to have format name=value`);
    const [, family, kind, , ...name] = sysctl.slice(0, cut).split('.');
    const file = [family, kind, link, ...name].join('/');
    if (!writeSetting(file, sysctl.slice(cut + 1))) {
      throw new Failure('system', `failed to set ${sysctl} on ${link}: no such setting or not such a value`);
    }
  }
}
