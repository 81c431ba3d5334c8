import { readFileSync } from 'node:fs';
import os from 'node:os';

/** Facts about the machine, read once or cheaply; each falls back to '' or 0 where the host does not tell. */

const ARCHITECTURES: Record<string, string> = {
  x64: 'amd64',
  arm: 'arm',
  arm64: 'arm64',
  ia32: '386',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
};
const MACHINES: Record<string, string> = {
  x64: 'x86_64',
  arm: 'armv7l',
  arm64: 'aarch64',
  ia32: 'i686',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
};

/** Go's name of the architecture, as /version says it. */
export function goArchitecture(): string {
  return ARCHITECTURES[process.arch] ?? process.arch;
}

/** The machine's name (uname -m), as /info says it. */
export function machine(): string {
  return MACHINES[process.arch] ?? process.arch;
}

/** `Debian GNU/Linux 12 (bookworm)` and `12`, from os-release. */
export function operatingSystem(): { name: string; version: string } {
  const text = read('/etc/os-release') || read('/usr/lib/os-release');
  const value = (key: string): string => {
    const line = text.split('\n').find((entry) => entry.startsWith(`${key}=`));
    return (line?.slice(key.length + 1) ?? '').trim().replace(/^(["'])(.*)\1$/, '$2');
  };
  return { name: value('PRETTY_NAME') || value('NAME') || 'Linux', version: value('VERSION_ID') };
}

/** Bytes of memory. */
export function totalMemory(): number {
  const kilobytes = /^MemTotal:\s+(\d+) kB/m.exec(read('/proc/meminfo'))?.[1];
  return kilobytes ? Number(kilobytes) * 1024 : os.totalmem();
}

export function forwardsIPv4(): boolean {
  return read('/proc/sys/net/ipv4/ip_forward').trim() !== '0';
}

export function hasSeccomp(): boolean {
  return /^Seccomp:/m.test(read('/proc/self/status'));
}

export function hasAppArmor(): boolean {
  return read('/sys/module/apparmor/parameters/enabled').trim() === 'Y';
}

/** Magic numbers of statfs(2) for `Backing Filesystem`. */
const FILE_SYSTEMS: Record<number, string> = {
  61267: 'extfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  801189825: 'zfs',
  2035054128: 'overlayfs',
  4076150800: 'f2fs',
};

/** The name of a file system by the `type` that statfs gives. */
export function fileSystemName(type: number): string {
  return FILE_SYSTEMS[type] ?? '<unknown>';
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
