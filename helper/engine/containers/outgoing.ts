import path from 'node:path';
import type { ContainerConfig, HostConfig, MountRequest } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import { type Container, sharedWith } from './container.ts';
import type { Engine } from './engine.ts';
import { completeHostConfig } from './host-config.ts';
import { sizes } from './size.ts';
import type { ContainerSource } from './types.ts';

const PREDEFINED = new Set(['bridge', 'default', 'host', 'none']);
/** Where a container has what its engine gives to all, another engine gives its own. */
const ENGINES_OWN = ['Runtime', 'CgroupParent', 'CgroupnsMode', 'IpcMode', 'LogConfig'] as const;

/** What a copy of a container on another engine is made of: its request as `create` wants it, and where its data lies. */
export async function outgoing(engine: Engine, reference: string): Promise<ContainerSource> {
  const container = engine.store.get(reference);
  const { id, name, state } = container;
  if (state.status === 'removing' || container.live.removing) throw new Failure('conflict', `Container ${id} is being removed`);
  const warnings: string[] = [];
  const host = hostOf(engine, container, warnings);
  const image = container.imageId ? await engine.images.resolve(container.imageId).catch(() => undefined) : undefined;
  const { rw } = await sizes(engine, container);
  const volumes = container.mounts.flatMap((mount) =>
    mount.type === 'volume' && mount.name ? [{ name: mount.name, anonymous: mount.anonymous, destination: mount.destination }] : [],
  );
  return {
    id,
    name,
    imageId: container.imageId,
    imageName: container.imageRef,
    request: {
      ...configOf(container, image?.config.config),
      HostConfig: host,
      NetworkingConfig: { EndpointsConfig: container.endpoints },
    },
    upper: path.join(engine.store.folder(id), 'upper'),
    writableBytes: rw,
    volumes: volumes.filter((volume, at) => volumes.findIndex((other) => other.name === volume.name) === at),
    networks: Object.keys(container.endpoints).filter((network) => !PREDEFINED.has(network)),
    binds: container.mounts.flatMap((mount) => (mount.type === 'bind' ? [mount.source] : [])),
    running: state.status === 'running',
    paused: state.status === 'running' && state.paused,
    warnings,
  };
}

/** The config as a user would give it: what is filled in by this engine, or by the image, is left to the other one. */
function configOf(container: Container, image: ContainerConfig | undefined): ContainerConfig {
  const { Hostname, Image: _, ...config } = container.config;
  const own = Hostname && Hostname !== container.id.slice(0, 12) && container.hostConfig.NetworkMode !== 'host';
  return {
    ...config,
    ...(own ? { Hostname } : {}),
    // Nothing would mean the image's.
    ...(!config.Entrypoint?.length && image?.Entrypoint?.length ? { Entrypoint: [''] } : {}),
  };
}

function hostOf(engine: Engine, container: Container, warnings: string[]): HostConfig {
  const host: HostConfig = { ...container.hostConfig, ContainerIDFile: '' };
  const defaults = completeHostConfig({}, engine.context.config, engine.cgroups.version);
  for (const field of ENGINES_OWN) {
    if (JSON.stringify(host[field]) === JSON.stringify(defaults[field])) delete host[field];
  }
  for (const field of ['NetworkMode', 'IpcMode', 'PidMode'] as const) {
    const other = sharedWith(host[field]);
    if (other === undefined) continue;
    const name = engine.store.find(other)?.name ?? other;
    host[field] = `container:${name}`;
    warnings.push(`it shares a namespace with the container ${name}, which the target must have`);
  }
  if (host.Links?.length) {
    warnings.push(`its links to other containers are left out: ${host.Links.join(', ')}`);
    host.Links = null;
  }
  if (host.VolumesFrom?.length) {
    host.Mounts = [...(host.Mounts ?? []), ...inherited(container)];
    host.VolumesFrom = null;
  }
  return host;
}

/** Mounts that came from other containers, as mounts of its own. */
function inherited({ mounts, hostConfig, config }: Container): MountRequest[] {
  const asked = new Set([
    ...(hostConfig.Binds ?? []).map((bind) => bind.split(':')[bind.includes(':') ? 1 : 0] ?? ''),
    ...(hostConfig.Mounts ?? []).map(({ Target }) => Target ?? ''),
    ...Object.keys(config.Volumes ?? {}),
  ]);
  return mounts.flatMap((mount): MountRequest[] => {
    if (asked.has(mount.destination)) return [];
    const common = { Target: mount.destination, ReadOnly: !mount.rw };
    if (mount.type === 'volume' && mount.name) return [{ ...common, Type: 'volume', Source: mount.name }];
    return mount.type === 'bind' ? [{ ...common, Type: 'bind', Source: mount.source }] : [];
  });
}
