/**
 * The disk of a virtual machine as users have servers: Debian with systemd, cgroup v2, its own kernel and sshd. Made once from the
 * machine's own package mirror and kept in the user's cache. Needs root, debootstrap and e2fsprogs. Dependency-free.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { userCache } from '../lib/paths.mjs';
import { ask, run } from '../lib/run.mjs';
import { Stop, say, since } from '../lib/say.mjs';

const cache = join(userCache, 'vm');
const RELEASE = 'bookworm';
const PACKAGES = [
  ...['systemd-sysv', 'dbus', 'udev', 'kmod', 'sudo', 'ca-certificates', 'openssh-server', 'procps', 'iproute2'],
  ...['nftables', 'iptables', 'crun', 'runc', 'conmon', 'busybox-static', 'python3', 'tini', 'curl'],
  ...['linux-image-cloud-amd64', 'initramfs-tools'],
  // What the engine's tests are served by.
  ...['openssl', 'apache2-utils', 'docker-registry', 'nfs-kernel-server', 'iputils-ping', 'erofs-utils', 'tmux', 'criu'],
  ...['zstd', 'xz-utils', 'bzip2', 'pigz', 'docker-compose', 'python3-docker'],
  // Who else is on a host.
  ...['docker.io', 'podman', 'netavark', 'aardvark-dns', 'ufw', 'firewalld', 'libpam-systemd', 'apparmor'],
];
/** Part of the name of what is made: another recipe makes another disk. */
const RECIPE = 6;

/** Of the packages, what is not to run unless it is asked for. */
const IDLE = [
  ...['apache2', 'docker-registry', 'nfs-server', 'nfs-client.target', 'rpcbind.service', 'rpcbind.socket', 'nfs-blkmap'],
  ...['docker.service', 'docker.socket', 'containerd', 'podman.service', 'podman.socket', 'podman-restart', 'podman-auto-update.timer'],
  ...['ufw', 'firewalld', 'nftables'],
];

const NETWORK = `[Match]
Name=en*

[Network]
DHCP=yes
`;

/** The first mirror of apt's sources, in the old form or the new. */
function mirror() {
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])];
  for (const file of files) {
    if (!existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    const found = /^deb(?: \[[^\]]*\])? (http\S+)/m.exec(text)?.[1] ?? /^URIs: (http\S+)/m.exec(text)?.[1];
    if (found) return found;
  }
  throw new Stop('no Debian mirror in the sources of apt: the virtual machine is made from one');
}

/** The key that opens the machine: made once, for this user. */
function accessKey() {
  const key = join(cache, 'key');
  if (!existsSync(key)) {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    if (ask('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'gantry-vm', '-f', key]) === undefined)
      throw new Stop('ssh-keygen failed');
  }
  return key;
}

async function must(command, args, what) {
  const { code, output } = await run(command, args, { quiet: true });
  if (code !== 0) throw new Stop(`${what} failed:\n${output.slice(-2000)}`);
}

function configure(tree, key) {
  const put = (path, text, mode) => {
    mkdirSync(join(tree, path, '..'), { recursive: true });
    writeFileSync(join(tree, path), text);
    if (mode !== undefined) chmodSync(join(tree, path), mode);
  };
  put('etc/hostname', 'gantry-vm\n');
  put('etc/hosts', '127.0.0.1 localhost\n127.0.1.1 gantry-vm\n::1 localhost\n');
  put('etc/systemd/network/wired.network', NETWORK);
  put('etc/fstab', '/dev/vda / ext4 defaults 0 1\n');
  mkdirSync(join(tree, 'root/.ssh'), { recursive: true, mode: 0o700 });
  put('root/.ssh/authorized_keys', readFileSync(`${key}.pub`), 0o600);
  put('etc/ssh/sshd_config.d/gantry.conf', 'PermitRootLogin prohibit-password\nUseDNS no\n');
  // Nothing that a test waits for: a machine of some minutes needs no timers, and starts no servers of its own.
  const timers = ['apt-daily', 'apt-daily-upgrade', 'e2scrub_all', 'fstrim', 'dpkg-db-backup'].map((name) => `${name}.timer`);
  for (const unit of [...timers, 'e2scrub_reap.service']) ask('systemctl', ['--root', tree, 'mask', unit]);
  for (const unit of IDLE) ask('systemctl', ['--root', tree, 'disable', unit]);
  for (const unit of ['systemd-networkd', 'ssh']) ask('systemctl', ['--root', tree, 'enable', unit]);
}

/**
 * @returns { disk, kernel, initrd, key }: paths; the disk must not be written to (start it with a snapshot)
 * @throws Stop with words for the user
 */
export async function vmDisk() {
  const key = accessKey();
  const hash = createHash('sha256')
    .update(JSON.stringify([RECIPE, RELEASE, PACKAGES, NETWORK, readFileSync(`${key}.pub`, 'utf8')]))
    .digest('hex')
    .slice(0, 12);
  const folder = join(cache, hash);
  const made = { disk: join(folder, 'disk.img'), kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd.img'), key };
  if (existsSync(folder)) return made;
  const start = performance.now();
  say('making the disk of a virtual machine …');
  const work = mkdtempSync(join(cache, 'making-'));
  try {
    const tree = join(work, 'tree');
    await must('debootstrap', ['--variant=minbase', `--include=${PACKAGES.join(',')}`, RELEASE, tree, mirror()], 'debootstrap');
    configure(tree, key);
    const boot = readdirSync(join(tree, 'boot'));
    for (const [prefix, target] of [
      ['vmlinuz-', 'vmlinuz'],
      ['initrd.img-', 'initrd.img'],
    ]) {
      const name = boot.find((entry) => entry.startsWith(prefix));
      if (!name) throw new Stop(`the system that debootstrap made has no ${prefix}*`);
      copyFileSync(join(tree, 'boot', name), join(work, target));
    }
    rmSync(join(tree, 'var/cache/apt/archives'), { recursive: true, force: true });
    await must('mke2fs', ['-q', '-t', 'ext4', '-d', tree, join(work, 'disk.img'), '4G'], 'mke2fs');
    rmSync(tree, { recursive: true, force: true });
    renameSync(work, folder);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
  say(`disk of the virtual machine made (${since(start)})`);
  return made;
}
