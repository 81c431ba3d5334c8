import type {
  ContainerConfig,
  ContainerCreateRequest,
  ContainerInspect,
  ContainerSummary,
  DiskUsage,
  EventMessage,
  HealthConfig,
  ImageInspect,
  ImageSummary,
  NetworkInspect,
  SystemInfo,
} from '../contract/docker.ts';
import { Failure } from '../engine/failure.ts';
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

function isUserDefined(network: string): boolean {
  return !['default', 'bridge', 'host', 'none'].includes(network) && !network.startsWith('container:');
}

/**
 * A create request as the newest version would have said it: defaults that the API gives, what the client's version could not
 * mean left out, the container's MAC address moved to its network.
 *
 * @throws Failure invalidParameter
 */
export function createRequest(
  request: ContainerCreateRequest,
  version: ApiVersion,
): { request: ContainerCreateRequest; warnings: string[] } {
  const host = { ...request.HostConfig };
  const endpoints = { ...request.NetworkingConfig?.EndpointsConfig };
  if (!host.NetworkMode || host.NetworkMode === 'default') {
    host.NetworkMode = 'bridge';
    if (endpoints.default) {
      endpoints.bridge = endpoints.default;
      delete endpoints.default;
    }
  }
  // An exposed port without bindings is published on a port of our choice.
  const bindings = Object.entries(host.PortBindings ?? {});
  host.PortBindings = Object.fromEntries(bindings.map(([port, list]) => [port, list?.length ? list : [{ HostIp: '', HostPort: '' }]]));
  if (host.PidsLimit !== undefined && host.PidsLimit !== null && host.PidsLimit <= 0) host.PidsLimit = null;
  if (version < 40 && !host.IpcMode) host.IpcMode = 'shareable';
  if (version < 41 && !host.CgroupnsMode) host.CgroupnsMode = 'host';
  if (version < 42) delete host.ConsoleSize;
  if (version < 43) delete host.Annotations;
  host.Mounts = host.Mounts?.map((mount) => mountRequest(mount, version)) ?? host.Mounts;
  const changed = { ...request, HostConfig: host, NetworkingConfig: { EndpointsConfig: endpoints } };
  const older = version < 44 ? beforeEndpoints(changed) : changed;
  return { request: older, warnings: [...moveMacAddress(older, version), ...(version >= 48 ? volumeDriverWarning(host) : [])] };
}

/** From 1.48 on the engine's to say; before, the CLI did. */
function volumeDriverWarning(host: NonNullable<ContainerCreateRequest['HostConfig']>): string[] {
  const ambiguous = host.Mounts?.some((mount) => mount.Type === 'volume' && !mount.VolumeOptions?.DriverConfig?.Name);
  if (!host.VolumeDriver || !ambiguous) return [];
  return [
    "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead",
  ];
}

type Mount = NonNullable<NonNullable<ContainerCreateRequest['HostConfig']>['Mounts']>[number];

function mountRequest(mount: Mount, version: ApiVersion): Mount {
  const changed = { ...mount };
  for (const [field, type] of [
    ['VolumeOptions', 'volume'],
    ['BindOptions', 'bind'],
    ['TmpfsOptions', 'tmpfs'],
  ] as const) {
    if (!changed[field] || mount.Type === type) continue;
    if (version >= 42)
      throw new Failure('invalidParameter', `${field} must not be specified on mount type ${JSON.stringify(mount.Type ?? '')}`);
    if (field !== 'BindOptions') delete changed[field];
  }
  if (changed.BindOptions && version < 44) {
    if (changed.BindOptions.ReadOnlyForceRecursive) {
      throw new Failure('invalidParameter', 'BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer');
    }
    const { NonRecursive, CreateMountpoint, ...options } = changed.BindOptions;
    changed.BindOptions = {
      ...options,
      ...(version >= 40 && NonRecursive !== undefined ? { NonRecursive } : {}),
      ...(version >= 42 && CreateMountpoint !== undefined ? { CreateMountpoint } : {}),
    };
  }
  if (version < 45 && changed.VolumeOptions?.Subpath)
    throw new Failure('invalidParameter', 'VolumeOptions.Subpath needs API v1.45 or newer');
  if (mount.Type === 'image' && version < 48) throw new Failure('invalidParameter', 'Mount type "Image" needs API v1.48 or newer');
  return changed;
}

/** 1.44 brought several endpoints, a MAC address for each, and the start interval of health checks. */
function beforeEndpoints(request: ContainerCreateRequest): ContainerCreateRequest {
  const endpoints = Object.entries(request.NetworkingConfig?.EndpointsConfig ?? {});
  if (endpoints.length > 1) {
    const names = endpoints.map(([name]) => name).join(', ');
    throw new Failure('invalidParameter', `Container cannot be created with multiple network endpoints: ${names}`);
  }
  const cleared = endpoints.map(([name, endpoint]) => [name, endpoint ? { ...endpoint, MacAddress: '' } : endpoint]);
  return {
    ...request,
    ...(request.Healthcheck ? { Healthcheck: withoutStartInterval(request.Healthcheck) } : {}),
    NetworkingConfig: { EndpointsConfig: Object.fromEntries(cleared) },
  };
}

function withoutStartInterval({ StartInterval: _, ...check }: HealthConfig): HealthConfig {
  return check;
}

/** The container-wide MAC address belongs to the endpoint of its main network; changes `request`. Returns warnings. */
function moveMacAddress(request: ContainerCreateRequest, version: ApiVersion): string[] {
  const address = request.MacAddress;
  if (!address) return [];
  const mode = request.HostConfig?.NetworkMode ?? '';
  if (mode === 'bridge' || isUserDefined(mode)) {
    const endpoints = request.NetworkingConfig?.EndpointsConfig ?? {};
    const [only] = Object.keys(endpoints);
    const name = only === undefined || mode in endpoints ? mode : version < 44 ? only : undefined;
    if (name === undefined) {
      throw new Failure(
        'invalidParameter',
        'unable to migrate container-wide MAC address to a specific network: HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks',
      );
    }
    const given = endpoints[name]?.MacAddress;
    if (given && given !== address) {
      throw new Failure(
        'invalidParameter',
        'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
      );
    }
    endpoints[name] = { ...endpoints[name], MacAddress: address };
  } else if (version < 44) throw new Failure('invalidParameter', 'conflicting options: mac-address and the network mode');
  return version < 44 ? [] : ['The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.'];
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
 * 1.50 brought found devices and left out bridge-nf; 1.49 brought the firewall and left out expected commits; 1.47 left out what
 * nondistributable artifacts had; 1.44: runtimes' status; 1.25: more of security options than their names.
 */
export function systemInfo(info: SystemInfo, version: ApiVersion): SystemInfo {
  const { DiscoveredDevices, FirewallBackend, ...common } = info;
  const older: SystemInfo = {
    ...common,
    ...(version >= 50 ? { DiscoveredDevices } : { BridgeNfIptables: false, BridgeNfIp6tables: false }),
    ...(version >= 49 ? { FirewallBackend } : expectedCommits(common)),
    ...(version >= 47 ? {} : { RegistryConfig: { ...NONDISTRIBUTABLE, ...(info.RegistryConfig as object) } }),
    ...(version >= 25
      ? {}
      : { SecurityOptions: (info.SecurityOptions as string[]).map((option) => /^name=([^,]*)/.exec(option)?.[1] ?? option) }),
  };
  if (version >= 44 || typeof info.Runtimes !== 'object' || info.Runtimes === null) return older;
  const runtimes = Object.entries(info.Runtimes).map(([name, runtime]) => [name, { path: (runtime as { path?: string }).path }]);
  return { ...older, Runtimes: Object.fromEntries(runtimes) };
}

const NONDISTRIBUTABLE = { AllowNondistributableArtifactsCIDRs: null, AllowNondistributableArtifactsHostnames: null };

function expectedCommits(info: SystemInfo): object {
  const commits = (['ContainerdCommit', 'RuncCommit', 'InitCommit'] as const).map((field) => {
    const { ID = '' } = (info[field] ?? {}) as { ID?: string };
    return [field, { ID, Expected: ID }];
  });
  return Object.fromEntries(commits);
}

/** 1.42 removed BuilderSize; 1.44 removed VirtualSize. */
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
    ...(version < 42 ? { BuilderSize: 0 } : {}),
  };
}

/** 1.46 brought `create` events of images. */
export function sendsEvent(event: EventMessage, version: ApiVersion): boolean {
  return version >= 46 || event.Type !== 'image' || event.Action !== 'create';
}
