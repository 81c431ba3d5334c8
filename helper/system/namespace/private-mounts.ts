import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, realpathSync } from 'node:fs';
import {
  canTakeMounts,
  closeElsewhere,
  dispensable,
  HostMounts,
  type MountEntry,
  mountOf,
  openHere,
  parseMountInfo,
  unmount,
  unmountCopy,
} from '../mount/index.ts';
import { CLONE, closeOnExec, execve, joinPeerGroup, keepOverExec, MS, mount, umount2, unshare } from '../syscall/index.ts';

/** Tells the second run of the program that it is inside; holds the run folder, so that it is not inherited by mistake. */
const INSIDE = 'GANTRY_MOUNT_NAMESPACE';
/** Descriptors of the host's namespace and root folder, for the second run. */
const HOST = 'GANTRY_HOST_MOUNTS';

export interface PrivateMounts {
  run: string;
  data: string;
  /** What else the engine uses by its name, for as long as it runs: programs, sockets. */
  used: readonly string[];
}

/**
 * Starts this program again (execve: the process stays the same) in a mount namespace of its own, unless it is there already.
 * What differs there from the host's:
 * - the run folder is a private mount, so that container file systems mounted below it are never seen outside, and are gone
 *   when the helper and the containers that use them are: a killed helper leaves no mounts;
 * - on a hybrid host, cgroup2's mount below /sys/fs/cgroup is away, since crun refuses to work beside it;
 * - where the host's mounts are not shared, those that the engine does without are away: it would keep busy what the host unmounts.
 * Everything else keeps its propagation: what a container mounts in an `rshared` bind still reaches the host.
 *
 * Must be the first thing that the program does: only the main thread changes its namespace, and execve keeps just that one.
 *
 * @returns in the second run: the host's mounts; undefined before Linux 5.2
 */
export function enterPrivateMounts({ run, data, used }: PrivateMounts, argv: string[] = process.argv.slice(1)): HostMounts | undefined {
  if (process.env[INSIDE] === run) {
    const [namespace = 0, root = 0] = (process.env[HOST] ?? '').split(' ').map(Number);
    delete process.env[INSIDE];
    delete process.env[HOST];
    const there = { namespace, root };
    for (const fd of [namespace, root]) closeOnExec(fd);
    if (canTakeMounts()) return new HostMounts(there, [run, data]);
    closeElsewhere(there);
    return undefined;
  }
  mkdirSync(run, { recursive: true, mode: 0o711 });
  const target = realpathSync(run);
  const parent = mountOf(target, mountsNow());
  const there = openHere();
  // A descriptor of the host's own mount, which is what our copy is made a peer of again.
  const host = parent?.shared === undefined ? undefined : openSync(parent.target, constants.O_RDONLY | constants.O_DIRECTORY);
  unshare(CLONE.NEWNS);
  const unified = hybridUnifiedMount();
  if (unified) {
    mount(null, '/sys/fs/cgroup', null, MS.PRIVATE | MS.REC);
    umount2(unified);
  }
  // A mount made below a shared one appears in all its peers, so on the host: more of them at each start. So the parent is
  // taken out of its group for that moment.
  if (parent && host !== undefined) mount(null, parent.target, null, MS.PRIVATE);
  mount(target, target, null, MS.BIND | MS.REC);
  mount(null, target, null, MS.PRIVATE | MS.REC);
  if (parent && host !== undefined) {
    rejoin(host, parent.target);
    closeSync(host);
  }
  if (canTakeMounts()) leaveMounts(used, [target, realpathSync(data)]);
  // stdio, the sockets that systemd passes (sd_listen_fds(3)), and the way to the host's mounts.
  for (let fd = 0; fd < 3 + Number(process.env.LISTEN_FDS ?? 0); fd += 1) keepOverExec(fd);
  for (const fd of [there.namespace, there.root]) keepOverExec(fd);
  const marks = { [INSIDE]: run, [HOST]: `${there.namespace} ${there.root}` };
  const env = Object.entries({ ...process.env, ...marks }).map(([key, value]) => `${key}=${value}`);
  execve(process.execPath, [process.execPath, ...process.execArgv, ...argv], env);
}

const mountsNow = (): MountEntry[] => parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));

function leaveMounts(used: readonly string[], own: readonly string[]): void {
  const table = mountsNow();
  const shared = table.filter((entry) => entry.shared !== undefined).map(({ target }) => target);
  for (const { target } of dispensable(table, used.map(withoutLinks), own)) {
    try {
      // Without shared ones in it, nothing else has to be touched: to look up an automounter's place may start it.
      if (shared.some((name) => name === target || name.startsWith(`${target}/`))) unmountCopy(target);
      else unmount(target);
    } catch {
      // What a container's maker has locked stays, as it does for whoever looks.
    }
  }
}

function withoutLinks(name: string): string {
  try {
    return realpathSync(name);
  } catch {
    return name;
  }
}

function rejoin(host: number, target: string): void {
  try {
    joinPeerGroup(host, target);
  } catch (error) {
    // Before Linux 5.15 there is no way back into a group. What containers mount below it stays with them then.
    const code = (error as { code?: string }).code;
    if (code !== 'EINVAL' && code !== 'ENOSYS') throw error;
  }
}

/** Where a hybrid host has cgroup2 beside its v1 controllers; undefined on pure v1 and v2 hosts. */
function hybridUnifiedMount(): string | undefined {
  const cgroups = mountsNow();
  const v1 = cgroups.some((entry) => entry.type === 'cgroup');
  const v2 = cgroups.find((entry) => entry.type === 'cgroup2' && entry.target.startsWith('/sys/fs/cgroup/'));
  return v1 && v2 && existsSync(v2.target) ? v2.target : undefined;
}
