import { failure, shown } from '../../ssh/index.ts';
import type { Machine, Rights } from './machine.ts';

/** What decides whether and how an engine can be set up on a machine. */
export interface Facts {
  os: string;
  /** As uname says: x86_64, aarch64 … */
  arch: string;
  kernel: string;
  distribution: string;
  user: string;
  uid: number;
  libc: 'glibc' | 'musl' | 'unknown';
  /** Such as 2.36. */
  libcVersion: string;
  hasSystemd: boolean;
  cgroup: 'v2' | 'v1' | 'unknown';
  manager: Manager | undefined;
  /** Programs of NEEDED that are there. */
  programs: string[];
  rights: Rights;
  /** KiB free where programs and where data go. */
  freeForPrograms: number;
  freeForData: number;
  memory: number;
  /** Version of an engine that this installation made; empty: there is none. */
  installed: string;
  /** There is one from a package of the distribution. */
  isPackaged: boolean;
  /** A group named gantry was there. */
  hasGroup: boolean;
}
export type Manager = 'apt' | 'dnf' | 'zypper' | 'apk';

/** Programs that the engine starts, with the packages that bring them. The first of `programs` that is there will do. */
export const NEEDED: { programs: string[]; packages: Record<Manager, string> }[] = [
  { programs: ['crun', 'runc'], packages: { apt: 'crun', dnf: 'crun', zypper: 'crun', apk: 'crun' } },
  { programs: ['conmon'], packages: { apt: 'conmon', dnf: 'conmon', zypper: 'conmon', apk: 'conmon' } },
  { programs: ['nft'], packages: { apt: 'nftables', dnf: 'nftables', zypper: 'nftables', apk: 'nftables' } },
  { programs: ['ip'], packages: { apt: 'iproute2', dnf: 'iproute', zypper: 'iproute2', apk: 'iproute2' } },
];

export const FOLDER = '/usr/local/lib/gantry';
export const COMMAND = '/usr/local/bin/gantryd';
const CHECK_MS = 20_000;
const PROGRAMS = NEEDED.flatMap(({ programs }) => programs);
const MANAGERS: [program: string, manager: Manager][] = [
  ['apt-get', 'apt'],
  ['dnf', 'dnf'],
  ['zypper', 'zypper'],
  ['apk', 'apk'],
];

const SCRIPT = `LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/libexec/podman
say() { printf '%s\\t' "$@"; printf '\\n'; }
free() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }
say gantry-check 1
say system "$(uname -s)" "$(uname -m)" "$(uname -r)"
say distribution "$(. /etc/os-release 2>/dev/null && printf %s "$PRETTY_NAME")"
say user "$(id -un)" "$(id -u)"
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
say free "$(free /usr/local)" "$(free /var/lib)"
say memory "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo 2>/dev/null)"
[ -f ${FOLDER}/gantryd.js ] && say installed "$(${COMMAND} --version 2>/dev/null)"
[ -e /usr/lib/gantry/gantryd.js ] && say packaged yes
grep -q '^gantry:' /etc/group 2>/dev/null && say group yes
exit 0
`;

/** Asks a machine; changes nothing there. @throws HostFailure if its shell does not answer as one */
export async function check(machine: Machine, signal: AbortSignal): Promise<Facts> {
  const { stdout, stderr, code } = await machine.shell('sh', { input: SCRIPT, timeoutMs: CHECK_MS, signal });
  const facts = parseCheck(stdout);
  if (facts) return facts.rights === 'none' && machine.hasPkexec ? { ...facts, rights: 'pkexec' } : facts;
  throw failure('protocol', `${machine.name} runs no commands`, {
    values: { machine: machine.name },
    detail: shown(`code ${code}\n${stderr}\n${stdout}`, 2000),
  });
}

export function parseCheck(output: string): Facts | undefined {
  const lines = output.split('\n').slice(0, 1000);
  const from = lines.findIndex((line) => line.startsWith('gantry-check\t1'));
  if (from === -1) return undefined;
  const said = new Map<string, string[]>();
  const programs: string[] = [];
  for (const line of lines.slice(from + 1)) {
    const [kind = '', ...fields] = line.split('\t').map((field) => shown(field, 200));
    if (kind === 'program') programs.push(fields[0] ?? '');
    else if (!said.has(kind)) said.set(kind, fields);
  }
  const field = (kind: string, index = 0) => said.get(kind)?.[index] ?? '';
  const number = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);
  const rights = field('rights');
  const cgroup = field('cgroup');
  return {
    os: field('system'),
    arch: field('system', 1),
    kernel: field('system', 2),
    distribution: field('distribution'),
    user: field('user'),
    uid: number(field('user', 1)),
    libc: field('libc') === 'glibc' ? 'glibc' : field('libc') === 'musl' ? 'musl' : 'unknown',
    libcVersion: field('libc', 1),
    hasSystemd: said.has('systemd'),
    cgroup: cgroup === 'cgroup2fs' ? 'v2' : cgroup === 'tmpfs' ? 'v1' : 'unknown',
    manager: MANAGERS.find(([program]) => programs.includes(program))?.[1],
    programs: programs.filter((program) => PROGRAMS.includes(program)),
    rights: rights === 'root' || rights === 'sudo' || rights === 'sudo-password' ? rights : 'none',
    freeForPrograms: number(field('free')),
    freeForData: number(field('free', 1)),
    memory: number(field('memory')),
    installed: said.has('installed') ? (/\d+\.\d+\.\d+\S*/.exec(field('installed'))?.[0].replace(/,$/, '') ?? '?') : '',
    isPackaged: said.has('packaged'),
    hasGroup: said.has('group'),
  };
}
