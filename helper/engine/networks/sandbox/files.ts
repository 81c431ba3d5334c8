import { promises as fs } from 'node:fs';
import path from 'node:path';
import type { LiveSandbox } from '../model.ts';
import { hostFile } from '../subnets.ts';
import type { World } from '../world.ts';
import { extraHostLines, hostNames, hostsFile } from './hosts.ts';
import { containerResolvConf, parseResolvConf, type ResolvConf } from './resolv-conf.ts';

export const RESOLVER = '127.0.0.11';

/** The host's resolv.conf; systemd-resolved's stub is of no use in a container, its list of real servers is. */
export function hostResolvConf(): ResolvConf {
  const conf = parseResolvConf(hostFile('/etc/resolv.conf'));
  const stubOnly = conf.nameservers.length > 0 && conf.nameservers.every((server) => server === '127.0.0.53');
  const real = stubOnly ? parseResolvConf(hostFile('/run/systemd/resolve/resolv.conf')) : conf;
  return real.nameservers.length > 0 ? real : conf;
}

/** What the container's, then the engine's configuration say about names. */
export function wishOf(world: World, sandbox: LiveSandbox): ResolvConf {
  const { request } = sandbox;
  const { config } = world.context;
  return {
    nameservers: request.dns.length > 0 ? request.dns : config.dns,
    search: request.dnsSearch.length > 0 ? request.dnsSearch : config.dnsSearch,
    options: request.dnsOptions.length > 0 ? request.dnsOptions : config.dnsOptions,
  };
}

/** hosts, resolv.conf and hostname in the container's folder. */
export async function writeSandboxFiles(world: World, sandbox: LiveSandbox): Promise<void> {
  const { request } = sandbox;
  await Promise.all([
    write(path.join(request.folder, 'hostname'), `${request.hostname}\n`),
    write(path.join(request.folder, 'hosts'), hostsText(world, sandbox)),
    writeResolvConf(world, sandbox),
  ]);
}

export async function writeHosts(world: World, sandbox: LiveSandbox): Promise<void> {
  await write(path.join(sandbox.request.folder, 'hosts'), hostsText(world, sandbox));
}

export async function writeResolvConf(world: World, sandbox: LiveSandbox): Promise<void> {
  const file = path.join(sandbox.request.folder, 'resolv.conf');
  const wish = wishOf(world, sandbox);
  const isHost = sandbox.netnsPath === undefined;
  const wished = wish.nameservers.length + wish.search.length + wish.options.length > 0;
  // In the host's own namespace its loopback servers work.
  if (isHost && !wished) await write(file, hostFile('/etc/resolv.conf'));
  else await write(file, containerResolvConf(hostResolvConf(), wish, usesResolver(sandbox) ? RESOLVER : undefined));
}

export function usesResolver(sandbox: LiveSandbox): boolean {
  return [...sandbox.endpoints.values()].some((endpoint) => endpoint.network.resolvesNames);
}

function hostsText(world: World, sandbox: LiveSandbox): string {
  const { request } = sandbox;
  const extra = extraHostLines(request.extraHosts, gatewaysOf(world, sandbox));
  if (sandbox.netnsPath === undefined) {
    const host = hostFile('/etc/hosts');
    return extra.length > 0 ? `${host.replace(/\n*$/, '\n')}${extra.join('\n')}\n` : host;
  }
  const names = hostNames(request.hostname, request.domainname);
  const own = [...sandbox.endpoints.values()].flatMap(({ v4, v6 }) => [v4, v6].flatMap((one) => (one ? [`${one.address}\t${names}`] : [])));
  return hostsFile([...extra, ...linkLines(world, sandbox), ...own], !request.ipv6Off);
}

/** Links of the default bridge: the other container's address under its alias, host name and name. */
function linkLines(world: World, sandbox: LiveSandbox): string[] {
  return sandbox.request.links.flatMap(({ containerId, alias }) => {
    const other = world.sandboxes.get(containerId);
    const endpoint = [...(other?.endpoints.values() ?? [])].find(
      ({ network }) => network.isDefaultBridge && sandbox.endpoints.has(network.id),
    );
    if (!endpoint?.v4) return [];
    const names = [...new Set([alias, other?.request.hostname || containerId.slice(0, 12), endpoint.containerName])];
    return [`${endpoint.v4.address}\t${names.join(' ')}`];
  });
}

/** The host as the container sees it: its gateway; on a network that leads nowhere, the default bridge's. */
function gatewaysOf(world: World, sandbox: LiveSandbox): string[] {
  const bridge = [...world.networks.values()].find((network) => network.isDefaultBridge);
  const fallback = bridge?.stored.ipam.config.flatMap((config) => config.gateway ?? []) ?? [];
  const { gateway } = sandbox;
  if (world.context.config.hostGatewayIps.length > 0) return world.context.config.hostGatewayIps;
  const own = [gateway?.v4?.gateway, gateway?.v6?.gateway].filter((address): address is string => Boolean(address));
  return own.length > 0 ? own : fallback;
}

/** In place: the file is bind-mounted into the container, so a new file under its name would not be seen. */
async function write(file: string, text: string): Promise<void> {
  await fs.writeFile(file, text, { mode: 0o644 });
}
