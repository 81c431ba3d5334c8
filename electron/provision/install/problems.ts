import type { InstallAction, InstallProblem } from '../../ipc/contract.ts';
import { type Facts, STAGING } from './check.ts';
import { missingPackages } from './packages.ts';

const OLDEST_KERNEL = [5, 4] as const;
/** Of Node 18 and later. */
const OLDEST_GLIBC = [2, 28] as const;
const ARCHITECTURES: Record<string, 'x64' | 'arm64'> = { x86_64: 'x64', aarch64: 'arm64' };
/** KiB. */
const PROGRAMS_SPACE = 400 * 1024;
const COPIES_SPACE = 200 * 1024;
const DATA_SPACE = 1024 * 1024;
const MEMORY = 400 * 1024;

/** Node's name of the machine's architecture; undefined if there is no engine for it. */
export const architectureOf = ({ arch }: Facts): 'x64' | 'arm64' | undefined => ARCHITECTURES[arch];

/** Why an engine can't be set up there (`blocking`), or what may be too little; whether what is asked for fits what is there. */
export function problemsOf(facts: Facts, action: InstallAction): InstallProblem[] {
  const { installed } = facts;
  const problems: InstallProblem[] = [];
  const add = (blocking: boolean, code: InstallProblem['code'], values: Record<string, string> = {}) =>
    problems.push({ code, blocking, values });
  if (facts.isPackaged) add(true, 'packaged');
  else if (action === 'install' && installed !== '') add(true, 'installed', { version: installed });
  else if (action !== 'install' && installed === '') add(true, 'not-installed');
  if (facts.rights === 'none') add(true, 'sudo-missing', { user: facts.user });
  // To take it away, nothing more is needed.
  if (action === 'uninstall') return problems;
  problems.push(...systemProblems(facts), ...spaceProblems(facts));
  const missing = missingPackages(facts, 'apt');
  if (action === 'install' && !facts.manager && missing.length > 0) add(true, 'no-manager', { packages: missing.join(', ') });
  if (!facts.hasSystemd) add(false, 'no-systemd');
  return problems;
}

function systemProblems(facts: Facts): InstallProblem[] {
  const { os, arch, kernel, libc, libcVersion } = facts;
  const found: [when: boolean, code: InstallProblem['code'], values: Record<string, string>][] = [
    [os !== 'Linux', 'not-linux', { os }],
    [os === 'Linux' && !architectureOf(facts), 'architecture', { arch }],
    [os === 'Linux' && older(kernel, OLDEST_KERNEL), 'kernel', { kernel, oldest: OLDEST_KERNEL.join('.') }],
    [libc === 'musl', 'musl', {}],
    [libc === 'glibc' && older(libcVersion, OLDEST_GLIBC), 'glibc', { version: libcVersion, oldest: OLDEST_GLIBC.join('.') }],
  ];
  return found.filter(([when]) => when).map(([, code, values]) => ({ code, blocking: true, values }));
}

function spaceProblems({ freeForPrograms, freeForCopies, freeForData, memory }: Facts): InstallProblem[] {
  const space: [folder: string, free: number, needed: number, blocking: boolean][] = [
    ['/usr/local', freeForPrograms, PROGRAMS_SPACE, true],
    [STAGING, freeForCopies, COPIES_SPACE, true],
    ['/var/lib', freeForData, DATA_SPACE, false],
  ];
  const problems: InstallProblem[] = space
    .filter(([, free, needed]) => free < needed)
    .map(([folder, free, needed, blocking]) => ({
      code: 'disk',
      blocking,
      values: { folder, free: String(free), needed: String(needed) },
    }));
  if (memory < MEMORY) problems.push({ code: 'memory', blocking: false, values: { memory: String(memory) } });
  return problems;
}

function older(text: string, [major, minor]: readonly [number, number]): boolean {
  const [, a, b] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return a !== undefined && (Number(a) < major || (Number(a) === major && Number(b) < minor));
}
