import { posix } from 'node:path';

/** What of a HostConfig means the same to every engine; the rest is what an engine has filled in of its own. */
const PORTABLE = [
  ...['Binds', 'Mounts', 'Tmpfs', 'PortBindings', 'PublishAllPorts', 'NetworkMode', 'Dns', 'DnsOptions', 'DnsSearch', 'ExtraHosts'],
  ...['RestartPolicy', 'AutoRemove', 'CapAdd', 'CapDrop', 'GroupAdd', 'Privileged', 'ReadonlyRootfs', 'SecurityOpt', 'Sysctls'],
  ...['Devices', 'DeviceCgroupRules', 'DeviceRequests', 'Ulimits', 'ShmSize', 'OomScoreAdj', 'Init', 'PidMode', 'UTSMode'],
  ...['Memory', 'MemoryReservation', 'MemorySwap', 'CpuShares', 'CpuPeriod', 'CpuQuota', 'CpusetCpus', 'CpusetMems', 'NanoCpus'],
  ...['PidsLimit', 'BlkioWeight'],
];
/** A shared namespace needs a container that is not there; `private` is every engine's own word for its default. */
const SHARED = /^container:|^private$/;

export function portableHost(host: Record<string, unknown>): Record<string, unknown> {
  const entries = PORTABLE.flatMap((key) => {
    const value = host[key];
    const empty = value === undefined || value === null || value === '' || value === 0 || (Array.isArray(value) && value.length === 0);
    return empty || (typeof value === 'string' && SHARED.test(value)) ? [] : [[key, portableValue(key, value)] as const];
  });
  return Object.fromEntries(entries);
}

function portableValue(key: string, value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  if (key === 'Binds') return value.map((bind) => portableBind(String(bind)));
  return key === 'Ulimits' ? value.flatMap(portableUlimit) : value;
}

interface Ulimit {
  Name?: unknown;
  Soft?: unknown;
  Hard?: unknown;
}

/** Podman shows its defaults among the user's, as high as its host allows, and calls them `RLIMIT_NOFILE`. */
function portableUlimit(limit: Ulimit): Ulimit[] {
  const name = String(limit.Name ?? '');
  if (/^RLIMIT_(NOFILE|NPROC)$/.test(name) && limit.Soft === limit.Hard) return [];
  return [{ ...limit, Name: name.replace(/^RLIMIT_/, '').toLowerCase() }];
}

const MODE_WORDS = new Set(['ro', 'z', 'Z', 'nocopy']);
const PROPAGATIONS = new Set(['shared', 'rshared', 'slave', 'rslave', 'private']);

/** `source:destination[:mode]` with no more than Docker's words: Podman shows mount(8)'s own, which nobody else takes. */
export function portableBind(bind: string): string {
  const [source = '', destination, mode = ''] = bind.split(':');
  if (destination === undefined) return bind;
  const words = mode.split(',').filter((word) => MODE_WORDS.has(word) || (source.startsWith('/') && PROPAGATIONS.has(word)));
  return [source, destination, ...(words.length > 0 ? [words.join(',')] : [])].join(':');
}

export interface ShownMount {
  Type: string;
  Name: string;
  Destination: string;
  RW: boolean;
}

const placeOf = (path: unknown): string => posix.resolve('/', String(path ?? ''));

/**
 * A HostConfig that names every volume that a container has, also those that it got without a name (by its image, `-v /path`, a mount
 * without a source): what is made anew has the same data then, and no empty volume in its place.
 */
export function withVolumeNames(host: Record<string, unknown>, shown: readonly ShownMount[]): Record<string, unknown> {
  const { Binds, Mounts, ...rest } = host;
  const binds = (Array.isArray(Binds) ? Binds.map(String) : []).filter((bind) => bind.includes(':'));
  const mounts = (Array.isArray(Mounts) ? Mounts : []).filter(({ Type, Source }) => Type !== 'volume' || Source);
  const places = new Set([...binds.map((bind) => placeOf(bind.split(':')[1])), ...mounts.map(({ Target }) => placeOf(Target))]);
  const named = shown
    .filter(({ Type, Name, Destination }) => Type === 'volume' && Name !== '' && !places.has(placeOf(Destination)))
    .map(({ Name, Destination, RW }) => `${Name}:${Destination}${RW ? '' : ':ro'}`);
  return { ...rest, Binds: [...binds, ...named], ...(mounts.length > 0 && { Mounts: mounts }) };
}
