import type { Sshd, SshdOptions } from './sshd.ts';

/**
 * A machine in a second, for what is installed on it: an sshd with a network, programs, data and an /etc of its own, without systemd.
 * What is installed there is real, and gone with it. Root only.
 */
export const BARE_MACHINE: SshdOptions = {
  network: true,
  mounts: [
    'mkdir -p /run/gantry',
    'mount -t tmpfs tmpfs /usr/local; mkdir /usr/local/lib /usr/local/bin /usr/local/sbin',
    'mount -t tmpfs tmpfs /var/lib; mount -t tmpfs tmpfs /var/log; mount -t tmpfs tmpfs /run/gantry',
    'mkdir "$FOLDER/etc"; mount -t tmpfs tmpfs "$FOLDER/etc"; mkdir "$FOLDER/etc/upper" "$FOLDER/etc/work"',
    'mount -t overlay -o "lowerdir=/etc,upperdir=$FOLDER/etc/upper,workdir=$FOLDER/etc/work" overlay /etc',
  ],
};

/** What an installation may change there, as a script whose output is the same before and after what leaves no trace. */
export const TRACES = `ip -o link | wc -l; nft list ruleset; grep gantry /etc/group; find /tmp -maxdepth 1 -regex '/tmp/gantry-[0-9a-f]+'
find /usr/local /var/lib /run/gantry /run/gantry-packages -mindepth 1 2>/dev/null`;

/** A block for ssh_config that leads there. */
export function hostBlock(name: string, server: Sshd): string {
  return `Host ${name}
  HostName ${server.address}
  Port ${server.port}
  User ${server.user}
  IdentityFile ${server.path('user_key')}
  ProxyCommand ${server.proxyCommand}
`;
}
