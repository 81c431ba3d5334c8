import type { ContainerConfig, HostConfig } from '../../../contract/docker/index.ts';
import type { LinuxResources, MountSpec, RuntimeSpec } from '../../../system/runtime/types.ts';
import { byDepth } from '../mount-parse.ts';
import { containerCapabilities, processCapabilities } from './capabilities.ts';
import { defaultDeviceRules, defaultMounts } from './defaults.ts';
import { deviceRule } from './devices.ts';
import { containerEnvironment, withHome } from './environment.ts';
import { INIT_IN_CONTAINER } from './init.ts';
import { rlimits } from './resources.ts';
import { customProfile, defaultProfile, type Machine } from './seccomp.ts';
import { parseSecurityOptions } from './security.ts';
import type { ProcessUser } from './user.ts';

type Device = RuntimeSpec['linux']['devices'][number];

/** All that a spec depends on, found out beforehand: making it is a pure function then. */
export interface SpecInput {
  config: ContainerConfig;
  hostConfig: HostConfig;
  path: string;
  args: string[];
  rootfs: string;
  user: ProcessUser;
  cgroupsPath: string;
  /** Namespaces to join by path, `host` to have none of their own, undefined for a fresh one. */
  namespaces: { network: string | undefined; ipc: string | undefined; pid: string | undefined };
  /** The user's mounts and the engine's files (hosts, resolv.conf, hostname, shm), in any order. */
  mounts: MountSpec[];
  /** `rslave`, `shared`: asked for by a bind's propagation. */
  rootfsPropagation: string | undefined;
  /** Host path of an init; undefined: none. */
  init: string | undefined;
  devices: { devices: Device[]; rules: NonNullable<LinuxResources['devices']> };
  resources: LinuxResources;
  /** Capabilities that the host can give. */
  available: readonly string[];
  machine: Machine;
  /** `net.*` sysctls that exist here; only for a network namespace of the container's own. */
  networkSysctls: Record<string, string>;
  apparmorProfile: string | undefined;
  linkedEnv: string[];
  /** Some hosts let nobody lower oom_score_adj: the helper's own score is the least then. */
  minOomScoreAdj: number;
  /** Of the engine's configuration, for what the container leaves open. */
  defaults: { noNewPrivileges: boolean; seccompProfile: { text: string } | undefined };
}

function namespaces(input: SpecInput): RuntimeSpec['linux']['namespaces'] {
  const list: RuntimeSpec['linux']['namespaces'] = [{ type: 'mount' }];
  const add = (type: 'network' | 'ipc' | 'pid', where: string | undefined): void => {
    if (where === 'host') return;
    list.push(where === undefined ? { type } : { type, path: where });
  };
  add('network', input.namespaces.network);
  if (input.hostConfig.UTSMode !== 'host') list.push({ type: 'uts' });
  add('pid', input.namespaces.pid);
  add('ipc', input.namespaces.ipc);
  if (input.hostConfig.CgroupnsMode === 'private') list.push({ type: 'cgroup' });
  return list;
}

const without = (options: readonly string[], word: string): string[] => options.filter((option) => option !== word);

function allMounts(input: SpecInput, writableCgroups: boolean): MountSpec[] {
  const { hostConfig } = input;
  const taken = new Set(input.mounts.map((mount) => mount.destination));
  const base = defaultMounts().filter(
    (mount) =>
      !taken.has(mount.destination) &&
      !(taken.has('/dev') && mount.destination.startsWith('/dev/')) &&
      !(mount.destination === '/dev/shm' && hostConfig.IpcMode === 'none'),
  );
  for (const mount of base) {
    if (mount.destination === '/dev/shm') mount.options.push(`size=${hostConfig.ShmSize}`);
    if (mount.destination === '/sys' && hostConfig.Privileged) mount.options = without(mount.options, 'ro');
    if (mount.type === 'cgroup' && writableCgroups) mount.options = without(mount.options, 'ro');
  }
  return [...base, ...byDepth(input.mounts)];
}

/** `linux.seccomp`; undefined: unconfined. */
function seccomp(input: SpecInput, option: string | undefined, capabilities: string[]): Record<string, unknown> | undefined {
  if (option === 'unconfined') return undefined;
  const profile =
    option === undefined || option === '' || option === 'builtin'
      ? defaultProfile(capabilities, input.machine)
      : customProfile(option, capabilities, input.machine);
  return profile as unknown as Record<string, unknown>;
}

/**
 * The container's config.json. Pure.
 * Source: OCI runtime-spec 1.0.2; the values are Docker's documented defaults.
 */
export function buildSpec(input: SpecInput): RuntimeSpec {
  const { config, hostConfig } = input;
  const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const privileged = hostConfig.Privileged ?? false;
  const capabilities = containerCapabilities({ add: hostConfig.CapAdd, drop: hostConfig.CapDrop, privileged }, input.available);
  // A capability that the host doesn't have can't be given; the runtime would refuse the whole container.
  const given = capabilities.filter((name) => input.available.includes(name));
  const command = [input.path, ...input.args];
  // A privileged container has just what is asked for it by name.
  const byDefault = privileged ? 'unconfined' : input.defaults.seccompProfile?.text;
  const profile = seccomp(input, security.seccomp || byDefault, given);
  const mounts = allMounts(input, security.writableCgroups ?? privileged);
  if (input.init) mounts.push({ destination: INIT_IN_CONTAINER, type: 'bind', source: input.init, options: ['bind', 'ro'] });
  const score = Math.max(hostConfig.OomScoreAdj ?? 0, input.minOomScoreAdj);
  const [height = 0, width = 0] = hostConfig.ConsoleSize ?? [];
  const ownUts = hostConfig.UTSMode !== 'host';
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: config.Tty ?? false,
      ...(config.Tty && height > 0 && width > 0 ? { consoleSize: { height, width } } : {}),
      user: { uid: input.user.uid, gid: input.user.gid, additionalGids: input.user.additionalGids },
      args: input.init ? [INIT_IN_CONTAINER, '--', ...command] : command,
      env: withHome(containerEnvironment(config, input.linkedEnv), input.user.home),
      cwd: config.WorkingDir || '/',
      capabilities: processCapabilities(given),
      ...(hostConfig.Ulimits?.length ? { rlimits: rlimits(hostConfig.Ulimits) } : {}),
      ...((security.noNewPrivileges ?? input.defaults.noNewPrivileges) ? { noNewPrivileges: true } : {}),
      ...(input.apparmorProfile ? { apparmorProfile: input.apparmorProfile } : {}),
      oomScoreAdj: score,
    },
    root: { path: input.rootfs, readonly: hostConfig.ReadonlyRootfs ?? false },
    ...(ownUts ? { hostname: config.Hostname ?? '' } : {}),
    mounts,
    ...(hostConfig.Annotations && Object.keys(hostConfig.Annotations).length ? { annotations: hostConfig.Annotations } : {}),
    linux: {
      namespaces: namespaces(input),
      devices: input.devices.devices,
      cgroupsPath: input.cgroupsPath,
      resources: {
        ...input.resources,
        devices: privileged
          ? [{ allow: true, access: 'rwm' }]
          : [...defaultDeviceRules(), ...input.devices.rules, ...(hostConfig.DeviceCgroupRules ?? []).map(deviceRule)],
      },
      ...(input.rootfsPropagation ? { rootfsPropagation: input.rootfsPropagation } : {}),
      ...(profile ? { seccomp: profile } : {}),
      sysctl: {
        // `domainname` of the spec is younger than the runtimes of stable distributions.
        ...(ownUts && config.Domainname ? { 'kernel.domainname': config.Domainname } : {}),
        ...(input.namespaces.network === 'host' ? {} : input.networkSysctls),
        ...(hostConfig.Sysctls ?? {}),
      },
      maskedPaths: hostConfig.MaskedPaths ?? [],
      readonlyPaths: hostConfig.ReadonlyPaths ?? [],
    },
  };
}
