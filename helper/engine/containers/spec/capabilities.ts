import { readFileSync } from 'node:fs';
import { Failure } from '../../failure.ts';

/** In the kernel's order: the index is the bit. Source: capabilities(7). */
const NAMES =
  `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN
NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON
BPF CHECKPOINT_RESTORE`
    .split(/\s+/)
    .map((name) => `CAP_${name}`);

const KNOWN = new Set(NAMES);

/** What a container holds when nothing is asked for: Docker's documented default. */
export const DEFAULT_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

let available: string[] | undefined;

/** What this process may give away: its bounding set. A container host inside a container has less than all. */
export function availableCapabilities(): string[] {
  if (!available) {
    const bits = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
    available = NAMES.filter((_, bit) => (bits >> BigInt(bit)) & 1n);
  }
  return available;
}

/**
 * `net_admin`, `CAP_NET_ADMIN`, `ALL` → canonical names, order kept.
 * @throws Failure invalidParameter `invalid CapAdd: unknown capability: "CAP_X"`
 */
export function normalizeCapabilities(names: readonly string[] | null | undefined, field: 'CapAdd' | 'CapDrop'): string[] {
  return (names ?? []).map((given) => {
    const upper = given.toUpperCase();
    if (upper === 'ALL') return upper;
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (!KNOWN.has(name)) throw new Failure('invalidParameter', `invalid ${field}: unknown capability: "${name}"`);
    return name;
  });
}

/** The set a container's first process is bounded by. Pure, `all` is what the host can give. */
export function containerCapabilities(
  options: { add?: readonly string[] | null; drop?: readonly string[] | null; privileged?: boolean },
  all: readonly string[],
): string[] {
  if (options.privileged) return [...all];
  const add = normalizeCapabilities(options.add, 'CapAdd');
  const drop = new Set(normalizeCapabilities(options.drop, 'CapDrop'));
  const base = add.includes('ALL') ? all : drop.has('ALL') ? [] : DEFAULT_CAPABILITIES;
  const kept = drop.has('ALL') && !add.includes('ALL') ? [] : base.filter((name) => !drop.has(name));
  const added = add.filter((name) => name !== 'ALL' && !kept.includes(name));
  return [...kept, ...added];
}

/** `process.capabilities`: a non-root user keeps them in the bounding set only, as dockerd has it. */
export function processCapabilities(names: string[]): {
  bounding: string[];
  effective: string[];
  permitted: string[];
  inheritable: string[];
  ambient: string[];
} {
  return { bounding: names, effective: names, permitted: names, inheritable: [], ambient: [] };
}
