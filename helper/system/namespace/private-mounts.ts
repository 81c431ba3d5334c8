import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { mountOf, parseMountInfo } from '../mount/mountinfo.ts';
import { CLONE, execve, joinPeerGroup, keepOverExec, MS, mount, umount2, unshare } from '../syscall/index.ts';

/** Tells the second run of the program that it is inside; holds the run folder, so that it is not inherited by mistake. */
const INSIDE = 'GANTRY_MOUNT_NAMESPACE';

/**
 * Starts this program again (execve: the process stays the same) in a mount namespace of its own, unless it is there already.
 * What differs there from the host's:
 * - the run folder is a private mount, so that container file systems mounted below it are never seen outside, and are gone
 *   when the helper and the containers that use them are: a killed helper leaves no mounts;
 * - on a hybrid host, cgroup2's mount below /sys/fs/cgroup is away, since crun refuses to work beside it.
 * Everything else keeps its propagation: what a container mounts in an `rshared` bind still reaches the host.
 *
 * Must be the first thing that the program does: only the main thread changes its namespace, and execve keeps just that one.
 */
export function enterPrivateMounts(runFolder: string, argv: string[] = process.argv.slice(1)): void {
  if (process.env[INSIDE] === runFolder) {
    delete process.env[INSIDE];
    return;
  }
  mkdirSync(runFolder, { recursive: true, mode: 0o711 });
  const target = realpathSync(runFolder);
  const parent = mountOf(target, parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')));
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
  // stdio, and the sockets that systemd passes (sd_listen_fds(3)).
  for (let fd = 0; fd < 3 + Number(process.env.LISTEN_FDS ?? 0); fd += 1) keepOverExec(fd);
  const env = Object.entries({ ...process.env, [INSIDE]: runFolder }).map(([key, value]) => `${key}=${value}`);
  execve(process.execPath, [process.execPath, ...process.execArgv, ...argv], env);
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
  const cgroups = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  const v1 = cgroups.some((entry) => entry.type === 'cgroup');
  const v2 = cgroups.find((entry) => entry.type === 'cgroup2' && entry.target.startsWith('/sys/fs/cgroup/'));
  return v1 && v2 && existsSync(v2.target) ? v2.target : undefined;
}
