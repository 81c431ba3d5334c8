import type {
  ContainerConfig,
  ContainerInspect,
  ContainerSummary,
  DiskUsage,
  EventMessage,
  ImageInspect,
  ImageSummary,
  NetworkInspect,
  SystemInfo,
} from '../contract/docker/index.ts';
import { NEVER } from '../engine/instant.ts';
import type { ApiVersion } from './versions.ts';

/**
 * The engine speaks the newest version; these functions give older clients the shapes of theirs.
 * Source: the API's version history (moby/moby api/docs/CHANGELOG.md). Each names the version that brought the change.
 */

/** 1.46 brought annotations. */
export function containerSummary(summary: ContainerSummary, version: ApiVersion): ContainerSummary {
  if (version >= 46 || !summary.HostConfig.Annotations) return summary;
  return { ...summary, HostConfig: { NetworkMode: summary.HostConfig.NetworkMode } };
}

/** Before 1.45, aliases in user-defined networks held the short id and the host name too. */
export function containerInspect(inspect: ContainerInspect, version: ApiVersion): ContainerInspect {
  if (version >= 45) return inspect;
  const added = [inspect.Id.slice(0, 12), inspect.Config.Hostname ?? ''].filter(Boolean);
  const networks = Object.entries(inspect.NetworkSettings.Networks).map(([name, endpoint]) => [
    name,
    isUserDefined(name) ? { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), ...added])] } : endpoint,
  ]);
  return { ...inspect, NetworkSettings: { ...inspect.NetworkSettings, Networks: Object.fromEntries(networks) } };
}

/** Not one of those that every engine has, and not another container's. */
export function isUserDefined(network: string): boolean {
  return !['default', 'bridge', 'host', 'none'].includes(network) && !network.startsWith('container:');
}

/** Before 1.44 there was VirtualSize, before 1.43 untagged images were called `<none>`; `Containers` is counted from 1.51 on. */
export function imageSummary(summary: ImageSummary, version: ApiVersion): ImageSummary {
  const untagged = version < 43 && summary.RepoTags.length === 0 && summary.RepoDigests.length === 0;
  return {
    ...summary,
    ...(untagged ? { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] } : {}),
    Containers: -1,
    ...(version < 44 ? { VirtualSize: summary.Size } : {}),
  };
}

const EMPTY_IMAGE_CONFIG = {
  Cmd: null,
  Entrypoint: null,
  Env: null,
  Labels: null,
  OnBuild: null,
  User: '',
  Volumes: null,
  WorkingDir: '',
} satisfies ContainerConfig;

/** What containers have beyond that. */
const EMPTY_CONFIG: ContainerConfig = {
  ...EMPTY_IMAGE_CONFIG,
  Hostname: '',
  Domainname: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: '',
};

/** Before 1.50, an image's config showed the fields of a container's, too. */
export function imageInspect(inspect: ImageInspect, version: ApiVersion): ImageInspect {
  const changed = { ...inspect, Config: { ...(version < 50 ? EMPTY_CONFIG : EMPTY_IMAGE_CONFIG), ...inspect.Config } };
  return {
    ...changed,
    ...(version < 44 ? { VirtualSize: inspect.Size, Created: inspect.Created || NEVER } : {}),
    // Gone since 1.45, but docker-compose 1 asks for the newest version and can't recreate a container without it.
    ...{ Container: '', ContainerConfig: EMPTY_CONFIG },
  };
}

/** From 1.28 on, the list does not say which containers are in a network; inspect does. */
export function networkSummary(network: NetworkInspect, version: ApiVersion): NetworkInspect {
  return version < 28 ? network : { ...network, Containers: {} };
}

/**
 * 1.50 brought found devices and left out bridge-nf; 1.49 brought the firewall and left out expected commits and what nondistributable
 * artifacts had; 1.44: runtimes' status; 1.42 took kernel memory out; 1.25 gave security options more than a name.
 */
export function systemInfo(info: SystemInfo, version: ApiVersion): SystemInfo {
  const { DiscoveredDevices, FirewallBackend, KernelMemory, ...common } = info;
  const registries = info.RegistryConfig as object | undefined;
  const older: SystemInfo = {
    ...common,
    ...(version < 42 && KernelMemory ? { KernelMemory } : {}),
    ...(version < 25 ? { SecurityOptions: namesOf(info.SecurityOptions) } : {}),
    ...(version < 49 ? { RegistryConfig: { ...NONDISTRIBUTABLE, ...registries } } : {}),
    ...(version >= 50 ? { DiscoveredDevices } : { BridgeNfIptables: false, BridgeNfIp6tables: false }),
    ...(version >= 49 ? { FirewallBackend } : expectedCommits(common)),
  };
  if (version >= 44 || typeof info.Runtimes !== 'object' || info.Runtimes === null) return older;
  const runtimes = Object.entries(info.Runtimes).map(([name, runtime]) => [name, { path: (runtime as { path?: string }).path }]);
  return { ...older, Runtimes: Object.fromEntries(runtimes) };
}

/** Gone since 1.49, and empty before: such layers are pushed and pulled like all. */
const NONDISTRIBUTABLE = { AllowNondistributableArtifactsCIDRs: null, AllowNondistributableArtifactsHostnames: null };

/** `name=seccomp,profile=builtin` → `seccomp` */
function namesOf(options: unknown): string[] {
  return (Array.isArray(options) ? options : []).map((option) => /^name=([^,]*)/.exec(String(option))?.[1] ?? String(option));
}

function expectedCommits(info: SystemInfo): object {
  const commits = (['ContainerdCommit', 'RuncCommit', 'InitCommit'] as const).map((field) => {
    const { ID = '' } = (info[field] ?? {}) as { ID?: string };
    return [field, { ID, Expected: ID }];
  });
  return Object.fromEntries(commits);
}

/** 1.44 removed VirtualSize. */
export function diskUsage(usage: Partial<DiskUsage>, version: ApiVersion): object {
  return {
    LayersSize: 0,
    Images: null,
    Containers: null,
    Volumes: null,
    BuildCache: null,
    ...usage,
    ...(usage.Images && version < 44 ? { Images: usage.Images.map((image) => ({ ...image, VirtualSize: image.Size })) } : {}),
    ...(usage.Containers ? { Containers: usage.Containers.map((container) => containerSummary(container, version)) } : {}),
  };
}

/** 1.46 brought `create` events of images. */
export function sendsEvent(event: EventMessage, version: ApiVersion): boolean {
  return version >= 46 || event.Type !== 'image' || event.Action !== 'create';
}
