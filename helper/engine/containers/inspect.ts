import path from 'node:path';
import type { ContainerConfig, ContainerInspect } from '../../contract/docker/index.ts';
import type { Container } from './container.ts';
import { type Engine, logPath } from './engine.ts';
import { linksOf } from './linked.ts';
import { mountPoints } from './mount-view.ts';
import { networkSettings } from './network-view.ts';
import { sizes } from './size.ts';
import { apiState } from './state.ts';

/** GET /containers/{id}/json */
export async function inspect(engine: Engine, reference: string, options: { size: boolean }): Promise<ContainerInspect> {
  const container = engine.store.get(reference);
  const size = options.size ? await sizes(engine, container) : undefined;
  const folder = engine.store.folder(container.id);
  const started = container.everStarted;
  const execIds = engine.execs.idsOf(container.id);
  return {
    Id: container.id,
    Created: container.created,
    Path: container.path,
    Args: container.args,
    State: apiState(container.state, container.live.health),
    Image: container.imageId,
    ResolvConfPath: started ? path.join(folder, 'resolv.conf') : '',
    HostnamePath: started ? path.join(folder, 'hostname') : '',
    HostsPath: started ? path.join(folder, 'hosts') : '',
    LogPath: started && container.hostConfig.LogConfig?.Type === 'json-file' ? logPath(engine, container.id) : '',
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: 'overlay2',
    Platform: container.os,
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: container.apparmorProfile,
    ExecIDs: execIds.length ? execIds : null,
    HostConfig: { ...container.hostConfig, Links: linksView(engine, container) },
    GraphDriver: { Name: 'overlay2', Data: graphData(engine, container, folder) },
    ...(size ? { SizeRw: size.rw, SizeRootFs: size.root } : {}),
    Mounts: mountPoints(container.mounts),
    Config: withMacAddress(container),
    NetworkSettings: networkSettings(container),
  };
}

/** Old clients look for the address of the main network's endpoint where it was before endpoints had their own. */
function withMacAddress({ config, endpoints, hostConfig }: Container): ContainerConfig {
  const address = config.MacAddress || endpoints[hostConfig.NetworkMode ?? 'bridge']?.MacAddress;
  return address ? { ...config, MacAddress: address } : config;
}

function graphData(engine: Engine, container: Container, folder: string): Record<string, string> {
  const lower = engine.images.placesOf(container.chain);
  return {
    ID: container.id,
    ...(lower.length > 0 ? { LowerDir: lower.join(':') } : {}),
    MergedDir: engine.store.rootfs(container.id),
    UpperDir: path.join(folder, 'upper'),
    WorkDir: path.join(folder, 'work'),
  };
}

/** `/child:/parent/alias`, as dockerd shows links. */
function linksView(engine: Engine, container: Container): string[] | null {
  const links = linksOf(engine.store, container).map(({ target, alias }) => `/${target.name}:/${container.name}/${alias}`);
  return links.length > 0 ? links : null;
}
