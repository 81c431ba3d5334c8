import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Place } from './places.ts';
import { end, eventually } from './process.ts';

const PACKAGES = ['libnm0', 'gir1.2-nm-1.0', 'python3-nftables', 'python3-firewall', 'firewalld'];

const BUS = `<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
<allow receive_type="method_call"/><allow receive_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_return"/><allow receive_type="error"/></policy></busconfig>`;

/**
 * The files of Debian's firewalld, fetched and unpacked beside the system: installing it would start it on the machine that
 * runs the tests. Undefined where that can't be had.
 */
export function firewalldFiles(): string | undefined {
  const folder = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'gantry', 'firewalld');
  const root = path.join(folder, 'root');
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import dbus, gi'], { stdio: 'ignore' });
    if (existsSync(path.join(root, 'usr/sbin/firewalld'))) return root;
    mkdirSync(folder, { recursive: true });
    execFileSync('apt-get', ['download', ...PACKAGES], { cwd: folder, stdio: 'ignore', timeout: 60_000 });
    execFileSync('sh', ['-ec', 'for file in *.deb; do dpkg -x "$file" root; done'], { cwd: folder, stdio: 'ignore' });
    return existsSync(path.join(root, 'usr/sbin/firewalld')) ? root : undefined;
  } catch {
    return undefined;
  }
}

/**
 * firewalld in a place, on a bus and with files of its own.
 * @param folder for its files; gets `bin/firewall-cmd`, to be on the PATH of who speaks to it
 */
export async function startFirewalld(
  place: Place,
  files: string,
  folder: string,
): Promise<{ command(...args: string[]): Promise<string> }> {
  writeFileSync(path.join(folder, 'bus.conf'), BUS);
  const script = `mount -t overlay -o lowerdir=${files}/usr/lib:/usr/lib none /usr/lib
    mount -t overlay -o lowerdir=${files}/etc:/etc none /etc
    mount -t tmpfs none /run; mkdir /run/dbus /run/firewalld
    dbus-daemon --config-file=${folder}/bus.conf --fork --nopidfile 2>/dev/null
    echo up; exec /usr/bin/python3 ${files}/usr/sbin/firewalld --nofork --nopid`;
  // With a PID namespace, so that the bus goes when firewalld is ended.
  const child = await place.startProgram(/^up$/m, 'unshare', '-m', '-p', '--fork', '--kill-child', 'sh', '-ec', script);
  mkdirSync(path.join(folder, 'bin'));
  const program = path.join(folder, 'bin', 'firewall-cmd');
  writeFileSync(program, `#!/bin/sh\nexec nsenter -t ${child.pid} -m /usr/bin/python3 ${files}/usr/bin/firewall-cmd "$@"\n`, {
    mode: 0o755,
  });
  const command = (...args: string[]): Promise<string> => place.output(program, ...args);
  await eventually('firewalld runs', async () => (await place.run(program, '--state')).code === 0 || undefined);
  return { command };
}

/** dockerd in a place. `stop` ends it in order, as containerd would stay behind else, and takes away the mounts that it leaves. */
export async function startDockerd(place: Place, folder: string): Promise<{ socket: string; stop(): Promise<void> }> {
  const socket = path.join(folder, 'dockerd.sock');
  const folders = [
    '--data-root',
    path.join(folder, 'data'),
    '--exec-root',
    path.join(folder, 'run'),
    '--pidfile',
    path.join(folder, 'pid'),
  ];
  const child = await place.startProgram(/API listen on/, 'dockerd', ...folders, '-H', `unix://${socket}`);
  const stop = async (): Promise<void> => {
    await end(child, 'SIGTERM');
    unmountBelow(folder);
  };
  return { socket, stop };
}

/** Podman in a place, with everything of its own. `call` is one command of it; `close` takes away all it made. */
export function podmanIn(place: Place): { call(...args: string[]): Promise<string>; close(): Promise<void> } {
  // Podman wants a run-time folder of at most 50 characters.
  const folder = mkdtempSync('/tmp/gtp-');
  const own = [
    ...['--root', path.join(folder, 'root'), '--runroot', path.join(folder, 'run'), '--tmpdir', path.join(folder, 'tmp')],
    ...['--network-config-dir', path.join(folder, 'networks'), '--cgroup-manager', 'cgroupfs', '--events-backend', 'file'],
    // runc takes hybrid cgroups, too.
    ...['--storage-driver', 'overlay', '--runtime', 'runc'],
  ];
  const call = (...args: string[]): Promise<string> => place.output('podman', ...own, ...args);
  const close = async (): Promise<void> => {
    await call('rm', '-af', '-t', '0');
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true });
  };
  return { call, close };
}

function unmountBelow(folder: string): void {
  execFileSync('sh', ['-ec', `findmnt -rno TARGET | { grep '^${folder}/' || :; } | sort -r | xargs -r umount -l`]);
}
