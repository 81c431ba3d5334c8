/**
 * The system packages that Gantry needs, by what needs them. Names are Debian's; `a|b` means either, as names differ between
 * releases. `program` is what to look for on systems without dpkg. Dependency-free.
 */
export const packageSets = {
  engine: {
    why: 'the engine that runs containers',
    packages: [
      { name: 'crun', program: 'crun' },
      { name: 'conmon', program: 'conmon' },
      { name: 'iproute2', program: 'ip' },
      { name: 'nftables', program: 'nft' },
      // For layers and archives that are packed so; gzip is Node's own, and zstd from Node 22 on.
      { name: 'zstd', program: 'zstd' },
      { name: 'xz-utils', program: 'xz' },
      { name: 'bzip2', program: 'bzip2' },
      // For the starter image; the shell of busybox cannot show Chinese while it is typed, bash can.
      { name: 'busybox-static', program: 'busybox' },
      { name: 'bash-static', program: 'bash-static', optional: true },
    ],
  },
  gui: {
    why: 'the libraries that Electron needs for its window',
    packages: [
      { name: 'libgtk-3-0|libgtk-3-0t64', library: 'libgtk-3.so.0' },
      { name: 'libnss3', library: 'libnss3.so' },
      { name: 'libasound2|libasound2t64', library: 'libasound.so.2' },
      { name: 'libgbm1', library: 'libgbm.so.1' },
      { name: 'libxss1', library: 'libXss.so.1' },
    ],
  },
  display: {
    why: 'a virtual display, since there is no screen here',
    packages: [
      { name: 'xvfb', program: 'Xvfb' },
      { name: 'xauth', program: 'xauth' },
      // Without Chinese glyphs a screenshot shows boxes.
      { name: 'fonts-noto-cjk', optional: true },
    ],
  },
  test: {
    why: 'the tests: registries, peers to compare with and clients to be compatible with',
    packages: [
      { name: 'runc', program: 'runc' },
      { name: 'docker-registry', program: 'docker-registry' },
      { name: 'apache2-utils', program: 'htpasswd' },
      { name: 'erofs-utils', program: 'fsck.erofs' },
      { name: 'openssl', program: 'openssl' },
      { name: 'ca-certificates' },
      { name: 'procps', program: 'ps' },
      { name: 'curl', program: 'curl' },
      { name: 'iputils-ping', program: 'ping' },
      { name: 'kmod', program: 'modprobe' },
      { name: 'iptables', program: 'iptables' },
      { name: 'docker.io', program: 'dockerd', optional: true },
      { name: 'podman', program: 'podman', optional: true },
      { name: 'netavark', optional: true },
      { name: 'aardvark-dns', optional: true },
      { name: 'tmux', program: 'tmux', optional: true },
      { name: 'python3-docker', optional: true },
      // firewalld's own files are unpacked beside the system (helper/tests/beside.ts); this is what it runs on.
      { name: 'dbus', program: 'dbus-daemon', optional: true },
      { name: 'python3-dbus', optional: true },
      { name: 'python3-gi', optional: true },
      { name: 'docker-compose', program: 'docker-compose', optional: true },
      { name: 'openssh-server', program: 'sshd', optional: true },
      { name: 'criu', program: 'criu', optional: true },
      { name: 'pigz', program: 'pigz', optional: true },
    ],
  },
  vm: {
    why: 'a virtual machine to test in: systemd and cgroup v2',
    packages: [
      { name: 'qemu-system-x86', program: 'qemu-system-x86_64' },
      { name: 'debootstrap', program: 'debootstrap' },
      { name: 'e2fsprogs', program: 'mke2fs' },
      { name: 'openssh-client', program: 'ssh' },
    ],
  },
};
