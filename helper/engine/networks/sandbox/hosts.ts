import { Failure } from '../../failure.ts';

const LOOPBACK = '127.0.0.1\tlocalhost';
const IPV6 = [
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

/**
 * `name:address` or `name=address` of HostConfig.ExtraHosts; `host-gateway` stands for the host as the container sees it.
 * @throws Failure invalidParameter
 */
export function extraHostLines(extraHosts: string[], gateways: string[]): string[] {
  return extraHosts.flatMap((entry) => {
    const cut = entry.search(/[:=]/);
    const name = entry.slice(0, cut);
    const address = entry.slice(cut + 1).replace(/^\[(.*)\]$/, '$1');
    if (cut < 1 || !address) throw new Failure('invalidParameter', `bad format for add-host: ${JSON.stringify(entry)}`);
    if (address !== 'host-gateway') return [`${address}\t${name}`];
    if (gateways.length === 0) {
      throw new Failure('system', 'unable to derive the IP value for host-gateway');
    }
    return gateways.map((gateway) => `${gateway}\t${name}`);
  });
}

/** `host.domain host`, or `host` alone; the FQDN first, as hostname(1) reads it. */
export function hostNames(hostname: string, domainname: string): string {
  if (domainname) return `${hostname}.${domainname} ${hostname}`;
  const [short = hostname] = hostname.split('.');
  return short === hostname ? hostname : `${hostname} ${short}`;
}

/**
 * @param lines extra hosts, links and the container's own addresses, in this order
 * @param ipv6  whether the container has it
 */
export function hostsFile(lines: string[], ipv6: boolean): string {
  return [LOOPBACK, ...(ipv6 ? IPV6 : []), ...lines, ''].join('\n');
}
