import type { ContainerCreateRequest, EndpointSettings, HealthConfig, HostConfig } from '../contract/docker/index.ts';
import { Failure } from '../engine/failure.ts';
import { isUserDefined } from './shape-changes.ts';
import type { ApiVersion } from './versions.ts';

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
  if (version < 25) host.AutoRemove = false;
  if (version < 40) {
    delete host.KernelMemoryTCP;
    host.IpcMode ||= 'shareable';
  }
  if (version < 42) delete host.ConsoleSize;
  else delete host.KernelMemory;
  if (version < 43) delete host.Annotations;
  host.Mounts = host.Mounts?.map((mount) => mountRequest(mount, version)) ?? host.Mounts;
  const changed = { ...request, HostConfig: host, NetworkingConfig: { EndpointsConfig: endpoints } };
  const older = version < 44 ? beforeEndpoints(changed) : changed;
  if (version < 48) dropPriorities(older);
  return {
    request: older,
    warnings: [...(version >= 48 ? volumeDriverWarning(host) : []), ...moveMacAddress(older, version), ...moveSysctls(older, version)],
  };
}

/** 1.48 brought the priority of gateways. */
function dropPriorities(request: ContainerCreateRequest): void {
  for (const endpoint of Object.values(request.NetworkingConfig?.EndpointsConfig ?? {})) if (endpoint) delete endpoint.GwPriority;
}

/** From 1.48 on the engine's to say; before, the CLI did. */
function volumeDriverWarning(host: HostConfig): string[] {
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
    if (mount.Type === 'bind' && changed.BindOptions.ReadOnlyForceRecursive) {
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
    const endpoint = mainEndpoint(request, version, 'unable to migrate container-wide MAC address to a specific network');
    if (endpoint.MacAddress && endpoint.MacAddress !== address) {
      throw new Failure(
        'invalidParameter',
        'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
      );
    }
    endpoint.MacAddress = address;
  } else if (version < 44) throw new Failure('invalidParameter', 'conflicting options: mac-address and the network mode');
  return version < 44 ? [] : ['The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.'];
}

/**
 * The settings of the network that the network mode names, made if need be; `request` is changed. Names and ids of a network may be
 * mixed: where there are settings, but not under that name, only clients before 1.44 (which have one network) mean those.
 *
 * @throws Failure invalidParameter, beginning with `why`
 */
function mainEndpoint(request: ContainerCreateRequest, version: ApiVersion, why: string): EndpointSettings {
  const mode = request.HostConfig?.NetworkMode ?? '';
  request.NetworkingConfig = { EndpointsConfig: request.NetworkingConfig?.EndpointsConfig ?? {} };
  const endpoints = request.NetworkingConfig.EndpointsConfig ?? {};
  const [only] = Object.keys(endpoints);
  const name = only === undefined || mode in endpoints ? mode : version < 44 ? only : undefined;
  if (name === undefined) {
    throw new Failure(
      'invalidParameter',
      `${why}: HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks`,
    );
  }
  const endpoint = { ...endpoints[name] };
  endpoints[name] = endpoint;
  return endpoint;
}

const ENDPOINT_SYSCTLS = 'com.docker.network.endpoint.sysctls';

/**
 * Sysctls of an interface can only be set once it is there: from 1.46 on they are an option of the endpoint. Those that clients before
 * 1.48 give for eth0 become one; changes `request`. Returns warnings.
 */
function moveSysctls(request: ContainerCreateRequest, version: ApiVersion): string[] {
  const host = request.HostConfig;
  const mode = host?.NetworkMode ?? '';
  if (!host?.Sysctls || mode === 'host' || mode.startsWith('container:')) return [];
  const ofInterfaces = Object.entries(host.Sysctls).flatMap(([name, value]) => {
    const match = /^net\.([^.]*)\.([^.]*)\.(eth[^.]*)\.(.*)$/.exec(name);
    return match ? [{ name, link: match[3], setting: `net.${match[1]}.${match[2]}.IFNAME.${match[4]}=${value}` }] : [];
  });
  const [first] = ofInterfaces;
  if (!first) return [];
  if (version >= 48) {
    const text = `interface specific sysctl setting ${JSON.stringify(first.name)} must be supplied using driver option '${ENDPOINT_SYSCTLS}'`;
    throw new Failure('invalidParameter', text);
  }
  const endpoint = mainEndpoint(request, version, `unable to find a network for sysctl ${first.name}`);
  const other = ofInterfaces.find(({ link }) => link !== 'eth0');
  if (other) {
    const text = `unable to determine network endpoint for sysctl ${other.name}, use driver option '${ENDPOINT_SYSCTLS}' to set per-interface sysctls`;
    throw new Failure('invalidParameter', text);
  }
  const moved = ofInterfaces.map(({ setting }) => setting).join(',');
  const names = ofInterfaces.map(({ name }) => name);
  const given = endpoint.DriverOpts?.[ENDPOINT_SYSCTLS];
  endpoint.DriverOpts = { ...endpoint.DriverOpts, [ENDPOINT_SYSCTLS]: given ? `${moved},${given}` : moved };
  host.Sysctls = Object.fromEntries(Object.entries(host.Sysctls).filter(([name]) => !names.includes(name)));
  return [
    `Migrated sysctl ${JSON.stringify(names.join(','))} to DriverOpts{${JSON.stringify(ENDPOINT_SYSCTLS)}:${JSON.stringify(moved)}}.`,
  ];
}
