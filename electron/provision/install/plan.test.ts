import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InstallAction } from '../../ipc/contract.ts';
import { type Facts, parseCheck } from './check.ts';
import { installPlan, uninstallPlan, upgradePlan } from './plan.ts';
import { problemsOf } from './problems.ts';

const debian: Facts = {
  os: 'Linux',
  arch: 'x86_64',
  kernel: '6.1.0-28-amd64',
  distribution: 'Debian GNU/Linux 12 (bookworm)',
  user: 'ada',
  uid: 1000,
  groups: ['ada', 'sudo'],
  libc: 'glibc',
  libcVersion: '2.36',
  hasSystemd: true,
  cgroup: 'v2',
  manager: 'apt',
  programs: ['nft', 'ip'],
  rights: 'sudo-password',
  freeForPrograms: 10_000_000,
  freeForData: 10_000_000,
  freeForCopies: 10_000_000,
  memory: 2_000_000,
  installed: '',
  madeGroup: false,
  runtimeHash: '',
  isPackaged: false,
  hasGroup: false,
  hasData: false,
};
const input = (facts: Facts) => ({
  facts,
  staging: '/tmp/gantry-1',
  sizes: { engine: 3e6, runtime: 1e8 },
  units: { service: 'ExecStart=/usr/bin/node /usr/lib/gantry/gantryd.js --host fd://\n', socket: '[Socket]\n' },
});
const codes = (change: Partial<Facts>, action: InstallAction = 'install') =>
  problemsOf({ ...debian, ...change }, action).map(({ code, blocking }) => `${code}${blocking ? '!' : ''}`);

describe('problems', () => {
  test.each<[string[], Partial<Facts>]>([
    [[], {}],
    [['not-linux!'], { os: 'Darwin' }],
    [['architecture!'], { arch: 'riscv64' }],
    [['kernel!'], { kernel: '4.19.0' }],
    [['kernel!'], { kernel: '5.3.18-lp152' }],
    [['musl!'], { libc: 'musl', libcVersion: '' }],
    [['glibc!'], { libcVersion: '2.17' }],
    [['packaged!'], { isPackaged: true }],
    [['sudo-missing!'], { rights: 'none' }],
    [['no-manager!'], { manager: undefined }],
    [[], { manager: undefined, programs: ['crun', 'conmon', 'nft', 'ip'] }],
    [['disk!'], { freeForPrograms: 1000 }],
    [['disk!'], { freeForCopies: 1000 }],
    [['installed!'], { installed: '0.1.0' }],
    [['disk', 'memory', 'no-systemd'], { freeForData: 1000, memory: 1000, hasSystemd: false }],
  ])('%j', (expected, change) => expect(codes(change)).toEqual(expected));

  test('an upgrade needs an installation; taking one away needs no room, no package manager and no new kernel', () => {
    expect(codes({}, 'upgrade')).toEqual(['not-installed!']);
    const poor = { installed: '0.1.0', freeForPrograms: 0, freeForData: 0, manager: undefined, kernel: '4.0.0', hasSystemd: false };
    expect(codes(poor, 'uninstall')).toEqual([]);
    expect(codes({ ...poor, rights: 'none' }, 'uninstall')).toEqual(['sudo-missing!']);
  });
});

describe('plans', () => {
  test('a Debian with systemd: what is missing, files, group, units, verified, nothing left in /tmp', () => {
    const plan = installPlan(input(debian));
    expect(plan.map(({ id, asRoot }) => `${id}${asRoot ? ' as root' : ''}`)).toEqual([
      'packages as root',
      'upload',
      'files as root',
      'group as root',
      'service as root',
      'verify as root',
      'cleanup',
    ]);
    const script = (id: string) => plan.find((step) => step.id === id)?.script ?? '';
    expect(script('packages')).toMatch(/^apt-get .* install crun conmon$/m);
    expect(plan[0]?.undo).toMatch(/^for package in crun conmon; do\n.*apt-get .* remove "\$package"/m);
    expect(script('group')).toMatch(/usermod -aG gantry 'ada'/);
    expect(script('service')).toContain('ExecStart=/usr/local/lib/gantry/node /usr/local/lib/gantry/gantryd.js --host fd://');
    // Whatever changes something can be undone.
    for (const { id, undo } of plan)
      if (id !== 'verify' && id !== 'cleanup') expect({ id, undo }).toEqual({ id, undo: expect.any(String) });
  });

  test('what is there already is neither installed nor taken away by undoing', () => {
    const plan = installPlan(
      input({ ...debian, programs: ['crun', 'conmon', 'nft', 'ip'], hasGroup: true, uid: 0, user: 'root', rights: 'root' }),
    );
    expect(plan.some(({ id }) => id === 'packages')).toBe(false);
    expect(plan.some(({ id }) => id === 'group')).toBe(false);
    const joined = installPlan(input({ ...debian, hasGroup: true })).find(({ id }) => id === 'group');
    expect(joined?.script).not.toContain('groupadd');
    expect(joined?.undo).toContain("gpasswd -d 'ada' gantry");
  });

  test.each([
    ['dnf', /dnf .* install crun conmon nftables iproute$/m],
    ['zypper', /zypper .* install .* crun conmon nftables iproute2$/m],
    ['apk', /apk .* add crun conmon nftables iproute2$/m],
  ] as const)('packages by %s', (manager, expected) => {
    expect(installPlan(input({ ...debian, manager, programs: [] }))[0]?.script).toMatch(expected);
  });

  test('without systemd it is started by itself', () => {
    const ids = installPlan(input({ ...debian, hasSystemd: false })).map(({ id }) => id);
    expect(ids).toContain('start');
    expect(ids).not.toContain('service');
  });

  test('an upgrade puts back what was there; uninstalling keeps the data unless told otherwise', () => {
    const [, swap] = upgradePlan(input(debian));
    expect(swap?.undo).toContain('mv /usr/local/lib/gantry.old /usr/local/lib/gantry');
    expect(swap?.undo).toContain('systemctl restart gantry.service');
    const touched = (keepData: boolean) =>
      uninstallPlan(debian, keepData)
        .map(({ script }) => script)
        .join('\n');
    expect(touched(true)).not.toContain('/var/lib/gantry');
    expect(touched(true)).toContain('/stop');
    expect(touched(false)).toContain('find $folder -xdev');
    expect(touched(false)).toContain('DELETE');
  });
});

test('a check is read whatever a login script says before, and never breaks', () => {
  const output = [
    'Welcome!',
    'gantry-says\t1\t',
    'system\tLinux\taarch64\t6.6.1\t',
    'distribution\tFedora Linux 41\t',
    'user\tada\t1000\tada gantry\t',
    'libc\tglibc\t2.40\t',
    'systemd\tyes\t',
    'cgroup\tcgroup2fs\t',
    'program\tdnf\t',
    'program\tconmon\t',
    'program\trm -rf\t',
    'rights\tsudo\t',
    'free\t1000\tx\t',
    'memory\t\t',
    `installed\tGantry version 0.1.0, build abc\t2026-11-25T10:00:00Z group\t${'a'.repeat(64)}  /usr/local/lib/gantry/node\t`,
  ].join('\n');
  expect(parseCheck(output)).toMatchObject({
    arch: 'aarch64',
    uid: 1000,
    groups: ['ada', 'gantry'],
    madeGroup: true,
    runtimeHash: 'a'.repeat(64),
    libc: 'glibc',
    libcVersion: '2.40',
    hasSystemd: true,
    cgroup: 'v2',
    manager: 'dnf',
    programs: ['conmon'],
    rights: 'sudo',
    freeForPrograms: 1000,
    freeForData: Number.NaN,
    installed: '0.1.0',
    isPackaged: false,
  });
  expect(parseCheck('')).toBeUndefined();
  const line = fc.tuple(
    fc.constantFrom('system', 'user', 'libc', 'program', 'rights', 'free', 'installed', ''),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const facts = parseCheck(`gantry-says\t1\t\n${lines.map((fields) => fields.join('\t')).join('\n')}`);
      if (facts) problemsOf(facts, 'install');
    }),
  );
});
