import { linesSaid, noShell, type SystemFacts, sayingScript, systemFacts } from '../../ssh/index.ts';
import type { Machine, Rights } from './machine.ts';

/** What decides whether and how an engine can be set up on a machine. */
export interface Facts extends SystemFacts {
  /** Of the user. */
  groups: string[];
  libc: 'glibc' | 'musl' | 'unknown';
  /** Such as 2.36. */
  libcVersion: string;
  hasSystemd: boolean;
  cgroup: 'v2' | 'v1' | 'unknown';
  manager: Manager | undefined;
  /** Programs of NEEDED that are there. */
  programs: string[];
  rights: Rights;
  /** KiB free where programs and data go, and where copies wait; NaN where the machine does not say. */
  freeForPrograms: number;
  freeForData: number;
  freeForCopies: number;
  memory: number;
  /** Version of the engine that an installation of ours put there; empty: there is none, or it did not get to its end. */
  installed: string;
  /** That installation made the group. */
  madeGroup: boolean;
  /** sha256 of the Node that it put there. */
  runtimeHash: string;
  /** There is one from a package of the distribution. */
  isPackaged: boolean;
  /** A group named gantry was there. */
  hasGroup: boolean;
  /** Data of an engine were there. */
  hasData: boolean;
}
export type Manager = 'apt' | 'dnf' | 'zypper' | 'apk';

/** Programs that the engine starts, with the packages that bring them. It starts with crun; runc is for whoever configures it. */
export const NEEDED: { program: string; packages: Record<Manager, string> }[] = [
  { program: 'crun', packages: { apt: 'crun', dnf: 'crun', zypper: 'crun', apk: 'crun' } },
  { program: 'conmon', packages: { apt: 'conmon', dnf: 'conmon', zypper: 'conmon', apk: 'conmon' } },
  { program: 'nft', packages: { apt: 'nftables', dnf: 'nftables', zypper: 'nftables', apk: 'nftables' } },
  { program: 'ip', packages: { apt: 'iproute2', dnf: 'iproute', zypper: 'iproute2', apk: 'iproute2' } },
];

export const FOLDER = '/usr/local/lib/gantry';
export const COMMAND = '/usr/local/bin/gantryd';
/** The last thing that an installation writes. */
export const MARKER = `${FOLDER}/installed`;
/** Folder for what is copied, until it is in its place. */
export const STAGING = '/tmp';
const CHECK_MS = 60_000;
const PROGRAMS = NEEDED.map(({ program }) => program);
const MANAGERS: [program: string, manager: Manager][] = [
  ['apt-get', 'apt'],
  ['dnf', 'dnf'],
  ['zypper', 'zypper'],
  ['apk', 'apk'],
];

const SCRIPT = sayingScript(`free() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }
libc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
[ -z "$libc" ] && ls /lib/ld-musl-* >/dev/null 2>&1 && libc=musl
say libc $libc
[ -d /run/systemd/system ] && say systemd yes
say cgroup "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)"
for program in ${MANAGERS.map(([program]) => program).join(' ')} ${PROGRAMS.join(' ')} sudo; do
  command -v "$program" >/dev/null 2>&1 && say program "$program"
done
if [ "$(id -u)" = 0 ]; then say rights root
elif command -v sudo >/dev/null 2>&1; then
  if sudo -k -n true 2>/dev/null; then say rights sudo; else say rights sudo-password; fi
else say rights none
fi
say free "$(free /usr/local)" "$(free /var/lib)" "$(free ${STAGING})"
say memory "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo 2>/dev/null)"
if [ -f ${MARKER} ]; then
  say installed "$(${COMMAND} --version 2>/dev/null)" "$(cat ${MARKER})" "$(sha256sum ${FOLDER}/node 2>/dev/null)"
fi
[ -e /usr/lib/gantry/gantryd.js ] && say packaged yes
grep -q '^gantry:' /etc/group 2>/dev/null && say group yes
[ -e /var/lib/gantry ] && say data yes`);

/** Asks a machine; changes nothing there. @throws HostFailure if its shell does not answer as one */
export async function check(machine: Machine, signal: AbortSignal): Promise<Facts> {
  const answer = await machine.shell('sh', { input: SCRIPT, timeoutMs: CHECK_MS, signal });
  const facts = parseCheck(answer.stdout);
  if (!facts) throw noShell(machine.name, answer);
  return facts.rights === 'none' && machine.hasPkexec ? { ...facts, rights: 'pkexec' } : facts;
}

export function parseCheck(output: string): Facts | undefined {
  const lines = linesSaid(output);
  if (!lines) return undefined;
  const programs = lines.filter(([kind]) => kind === 'program').map(([, program = '']) => program);
  const said = new Map<string | undefined, string[]>();
  for (const [kind, ...fields] of lines) if (!said.has(kind)) said.set(kind, fields);
  const field = (kind: string, index = 0) => said.get(kind)?.[index] ?? '';
  const number = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);
  const rights = field('rights');
  const cgroup = field('cgroup');
  return {
    ...systemFacts(lines),
    groups: field('user', 2).split(' '),
    libc: field('libc') === 'glibc' ? 'glibc' : field('libc') === 'musl' ? 'musl' : 'unknown',
    libcVersion: field('libc', 1),
    hasSystemd: said.has('systemd'),
    cgroup: cgroup === 'cgroup2fs' ? 'v2' : cgroup === 'tmpfs' ? 'v1' : 'unknown',
    manager: MANAGERS.find(([program]) => programs.includes(program))?.[1],
    programs: programs.filter((program) => PROGRAMS.includes(program)),
    rights: rights === 'root' || rights === 'sudo' || rights === 'sudo-password' ? rights : 'none',
    freeForPrograms: number(field('free')),
    freeForData: number(field('free', 1)),
    freeForCopies: number(field('free', 2)),
    memory: number(field('memory')),
    installed: said.has('installed') ? (/\d+\.\d+\.\d+\S*/.exec(field('installed'))?.[0].replace(/,$/, '') ?? '?') : '',
    madeGroup: field('installed', 1).includes('group'),
    runtimeHash: /^[0-9a-f]{64}(?= )/.exec(field('installed', 2))?.[0] ?? '',
    isPackaged: said.has('packaged'),
    hasGroup: said.has('group'),
    hasData: said.has('data'),
  };
}
