import type { EndpointSettings, HostConfig } from '../../contract/docker/index.ts';
import { Failure, isFailure } from '../failure.ts';
import { type Container, sharedWith } from './container.ts';
import type { Engine } from './engine.ts';
import { findLinked, type Link, linksOf, parseLink, usesLinks } from './linked.ts';

/** For create: the containers are looked up and kept by their ids. @throws Failure invalidParameter */
export function pinLinks(engine: Engine, host: HostConfig): void {
  if (!host.Links?.length || !usesLinks(host)) return;
  host.Links = host.Links.map((text) => {
    const { name, alias } = parseLink(text);
    return `${linkable(engine, name).id}:${alias}`;
  });
}

/** The container that has the network: a link to one that shares another's leads there. */
function linkable(engine: Engine, name: string): Container {
  let target: Container;
  try {
    target = engine.store.get(name);
    for (let other = sharedWith(target.hostConfig.NetworkMode); other !== undefined; other = sharedWith(target.hostConfig.NetworkMode)) {
      target = engine.store.get(other);
    }
  } catch (error) {
    if (!isFailure(error, 'notFound')) throw error;
    // A 404 would mean the image to clients.
    throw new Failure('invalidParameter', `could not get container for ${name}: ${error.message}`);
  }
  if (target.hostConfig.NetworkMode === 'host') {
    throw new Failure(
      'invalidParameter',
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    );
  }
  return target;
}

/** DELETE /containers/{parent/alias}?link=1. The linked container stays; so does the environment that the link gave. */
export async function removeLink(engine: Engine, reference: string): Promise<void> {
  const link = findLinked(engine.store, reference);
  if (!link) {
    engine.store.get(reference);
    throw new Failure('system', 'Conflict, cannot remove the default link name of the container');
  }
  const [parentName = ''] = reference.replace(/^\//, '').split('/');
  const parent = engine.store.get(parentName);
  await engine.queue.run(parent.id, async () => {
    const { hostConfig } = parent;
    hostConfig.Links = (hostConfig.Links ?? []).filter((text) => parseLink(text).alias !== link.alias);
    await engine.store.save(parent);
  });
  link.target.live.summary = undefined;
}

/** The links of a container that starts. @throws Failure system when one does not run */
export function startedLinks(engine: Engine, container: Container): Link[] {
  const links = linksOf(engine.store, container);
  for (const { target, alias } of links) {
    const names = `/${target.name} AS /${container.name}/${alias}`;
    if (target.state.status !== 'running') throw new Failure('system', `Cannot link to a non running container: ${names}`);
    if (!bridgeEndpoint(target)) throw new Failure('system', `container ${target.id} not attached to default bridge network`);
  }
  return links;
}

function bridgeEndpoint(container: Container): EndpointSettings | undefined {
  return container.network?.sandbox.endpoints.bridge;
}

/** What a link adds to the environment. Source: Docker's documentation, "Legacy container links", environment variables. */
export function linkEnvironment(parent: Container, links: readonly Link[]): string[] {
  return links.flatMap(({ target, alias }) => {
    const address = bridgeEndpoint(target)?.IPAddress;
    if (!address) return [];
    return variables({ parent: parent.name, alias, address, ports: Object.keys(target.config.ExposedPorts ?? {}), env: target.config.Env });
  });
}

interface Port {
  number: number;
  protocol: string;
}

/** By number, tcp before the others. */
function sortPorts(ports: readonly string[]): Port[] {
  const parsed = ports.map((port) => {
    const [number, protocol = 'tcp'] = port.split('/');
    return { number: Number(number) || 0, protocol };
  });
  const rank = ({ protocol }: Port): string => (protocol === 'tcp' ? '' : protocol);
  return parsed.sort((a, b) => a.number - b.number || rank(a).localeCompare(rank(b)));
}

/** Runs of three and more ports that follow each other. */
function ranges(ports: readonly Port[]): { first: Port; last: Port }[] {
  const runs: Port[][] = [];
  for (const port of ports) {
    const run = runs[runs.length - 1];
    if (run?.[0] && port.number <= run[0].number + run.length) run.push(port);
    else runs.push([port]);
  }
  return runs.flatMap((run) => {
    const [first] = run;
    const last = run[run.length - 1];
    return first && last && run.length > 2 ? [{ first, last }] : [];
  });
}

function variables(link: { parent: string; alias: string; address: string; ports: readonly string[]; env?: string[] | null }): string[] {
  const { address } = link;
  const prefix = link.alias.toUpperCase().replaceAll('-', '_');
  const ports = sortPorts(link.ports);
  const url = ({ number, protocol }: Port): string => `${protocol}://${address}:${number}`;
  const nameOf = ({ number, protocol }: Port): string => `${prefix}_PORT_${number}_${protocol.toUpperCase()}`;
  const [main] = ports;
  return [
    ...(main ? [`${prefix}_PORT=${url(main)}`] : []),
    ...ranges(ports).flatMap(({ first, last }) => {
      const name = nameOf(first);
      return [
        `${name}_START=${url(first)}`,
        `${name}_ADDR=${address}`,
        `${name}_PROTO=${first.protocol}`,
        `${name}_END=${url(last)}`,
        `${name}_PORT_START=${first.number}`,
        `${name}_PORT_END=${last.number}`,
      ];
    }),
    ...ports.flatMap((port) => {
      const name = nameOf(port);
      return [`${name}=${url(port)}`, `${name}_ADDR=${address}`, `${name}_PORT=${port.number}`, `${name}_PROTO=${port.protocol}`];
    }),
    `${prefix}_NAME=/${link.parent}/${link.alias}`,
    ...(link.env ?? []).filter((entry) => entry.includes('=') && !/^(HOME|PATH)=/.test(entry)).map((entry) => `${prefix}_ENV_${entry}`),
  ];
}
