/** Measurements run in namespaces of their own, so that nothing of the engines stays behind. */
import { spawnSync } from 'node:child_process';
import { rootPrefix } from './debian.mjs';
import { Stop } from './say.mjs';

/**
 * Starts a script again, with the same arguments, as root in a network and a mount namespace; GANTRY_BENCH_INSIDE tells it.
 * @returns its exit code
 */
export function enterNamespaces(script) {
  const prefix = rootPrefix();
  if (prefix === undefined) throw new Stop('measuring needs root: run it as root, or install sudo');
  // crun refuses hybrid hosts, by hand and under Podman: their extra cgroup2 mount goes, in this namespace only.
  const inside = 'ip link set lo up; umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
  const environment = ['env', `PATH=${process.env.PATH}:/usr/sbin:/sbin`, `HOME=${process.env.HOME}`, 'GANTRY_BENCH_INSIDE=1'];
  const command = ['unshare', '--net', '--mount', 'sh', '-c', inside, 'sh', process.execPath, script, ...process.argv.slice(2)];
  const [program, ...args] = [...prefix, ...environment, ...command];
  return spawnSync(program, args, { stdio: 'inherit' }).status ?? 1;
}
