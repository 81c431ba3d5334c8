import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstallJob } from '../../ipc/contract.ts';
import { connectSsh, type SshSession } from '../../ssh/index.ts';
import { MemorySecrets } from '../../testing/ssh-answers.ts';
import { mayHavePasswords, Sshd, sshHome } from '../../testing/sshd.ts';
import { Installs, localMachine, remoteMachine } from './index.ts';
import { runPlan } from './install.ts';
import { type Machine, Root } from './machine.ts';
import type { PlannedStep } from './plan.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-install-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plan(...steps: Partial<PlannedStep>[]): PlannedStep[] {
  return steps.map((step) => ({ id: 'files', asRoot: false, script: 'true', ...step }));
}
async function run(steps: PlannedStep[], more: { signal?: AbortSignal; files?: Record<string, string>; staging?: string } = {}) {
  const machine = localMachine('here');
  const told: string[] = [];
  const work = runPlan({
    machine,
    root: new Root(machine, { rights: 'none', user: 'ada', askPassword: async () => '' }),
    steps,
    files: more.files ?? {},
    staging: more.staging ?? join(folder, 'staging'),
    onStatus: (index, status) => told.push(`${index} ${status}`),
    onProgress: () => {},
    signal: more.signal ?? new AbortController().signal,
  });
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason as Error & { error?: { code: string; detail: string } },
  );
  return { told, error };
}

test('steps run in order; a failure undoes them in reverse, the failed one, too', async () => {
  const mark = (text: string) => `echo ${text} >>${folder}/marks`;
  const { told, error } = await run(
    plan(
      { script: mark('one'), undo: mark('not-one') },
      { script: mark('two') },
      { script: `${mark('three')}\necho why >&2\nfalse\n${mark('never')}`, undo: mark('not-three') },
      { script: mark('never') },
    ),
  );
  expect(readFileSync(join(folder, 'marks'), 'utf8').split('\n').filter(Boolean)).toEqual(['one', 'two', 'three', 'not-three', 'not-one']);
  expect(error).toMatchObject({ error: { code: 'install-step', detail: expect.stringContaining('why') } });
  expect(told).toEqual([
    '0 running',
    '0 done',
    '1 running',
    '1 done',
    '2 running',
    '2 failed',
    '2 undoing',
    '2 undone',
    '0 undoing',
    '0 undone',
  ]);
});

test('what can’t be undone is told; no way to root is told; an abort undoes', async () => {
  const stuck = await run(plan({ undo: 'echo stuck >&2; false' }, { script: 'false' }));
  expect(stuck.error?.message).toMatch(/Not undone:[\s\S]*stuck/);
  const rootless = await run(plan({ asRoot: true }));
  expect(rootless.error).toMatchObject({ error: { code: 'sudo-missing' } });
  const controller = new AbortController();
  const undone = join(folder, 'undone');
  const aborted = run(plan({ script: 'exec sleep 30', undo: `touch ${undone}` }), { signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  expect((await aborted).told).toEqual(['0 running', '0 failed', '0 undoing', '0 undone']);
  expect(existsSync(undone)).toBe(true);
});

test('what is copied arrives whole, under its name only then', async () => {
  const source = join(folder, 'source');
  writeFileSync(source, Buffer.alloc(3_000_000, 'gantry'));
  const staging = join(folder, 'copied');
  const { error } = await run(plan({ id: 'upload', undo: `rm -rf ${staging}` }), { files: { 'gantryd.js': source }, staging });
  expect(error).toBeUndefined();
  expect(readFileSync(join(staging, 'gantryd.js')).equals(readFileSync(source))).toBe(true);
  // A folder that is there already may be somebody else's.
  expect((await run(plan({ id: 'upload' }), { files: { 'gantryd.js': source }, staging })).error).toMatchObject({
    error: { code: 'install-step' },
  });
});

test('sudo: its password is asked for until it is right, never goes to a script, and is nowhere shown', async () => {
  const asked: boolean[] = [];
  const calls: { command: string; input: string }[] = [];
  const machine: Machine = {
    name: 'nas',
    shell: async (command, { input } = {}) => {
      calls.push({ command, input: String(input) });
      const right = input === 'right\n';
      return { code: right ? 0 : 1, stdout: right ? 'done' : '', stderr: right ? '' : 'Sorry, try again.' };
    },
  };
  const given = ['wrong', 'right'];
  const root = new Root(machine, {
    rights: 'sudo-password',
    user: 'ada',
    askPassword: async (again) => {
      asked.push(again);
      return given.shift() ?? '';
    },
  });
  expect((await root.run("echo 'x'")).stdout).toBe('done');
  await root.run('true');
  expect(asked).toEqual([false, true]);
  expect(calls.every(({ command }) => command.startsWith("sudo -k -S -p '' sh -c '"))).toBe(true);
  expect(calls.at(-2)?.command).toBe(`sudo -k -S -p '' sh -c 'echo '\\''x'\\'''`);
  const denied = new Root(
    { name: 'nas', shell: async () => ({ code: 1, stdout: '', stderr: 'ada is not in the sudoers file.' }) },
    { rights: 'sudo-password', user: 'ada', askPassword: async () => 'x' },
  );
  await expect(denied.run('true')).rejects.toMatchObject({ error: { code: 'sudo-missing' } });
});

const root = join(import.meta.dirname, '..', '..', '..');
const engine = join(root, 'dist', 'gantryd.js');
const hasSocat = spawnSync('socat', ['-V']).error === undefined;

/**
 * A machine in a second: an sshd with a network, a /usr/local, a /var and a /run of its own, without systemd. The engine that is
 * installed there is a real one.
 */
test.skipIf(!mayHavePasswords || !hasSocat || !existsSync(engine))(
  'a real machine: install, run a container, upgrade under it, uninstall without a trace',
  async () => {
    const server = await Sshd.start({
      network: true,
      mounts: [
        'for path in /usr/local /var/lib/gantry /run/gantry; do mkdir -p $path; done',
        'mount -t tmpfs tmpfs /usr/local; mkdir /usr/local/lib /usr/local/bin',
        'mount -t tmpfs -o mode=711 tmpfs /var/lib/gantry; mount -t tmpfs tmpfs /run/gantry',
        'mkdir "$FOLDER/etc"; mount -t tmpfs tmpfs "$FOLDER/etc"; mkdir "$FOLDER/etc/upper" "$FOLDER/etc/work"',
        'mount -t overlay -o "lowerdir=/etc,upperdir=$FOLDER/etc/upper,workdir=$FOLDER/etc/work" overlay /etc',
      ],
    });
    const sessions: SshSession[] = [];
    try {
      const files = await sshHome(
        join(folder, 'home'),
        `Host far\n  HostName 127.0.0.1\n  Port ${server.port}\n  User root\n  IdentityFile ${server.path('user_key')}\n  ProxyCommand ${server.proxyCommand}\n`,
        server.knownLine(),
      );
      const session = await connectSsh(
        { host: 'far' },
        { files, secrets: new MemorySecrets(), ask: undefined, signal: new AbortController().signal },
      );
      sessions.push(session);
      const jobs = new Map<string, InstallJob>();
      const installs = new Installs({
        engine,
        units: join(root, 'assets', 'systemd'),
        runtime: { shipped: [], own: process.execPath },
        onChange: (job) => jobs.set(job.id, job),
        log: () => {},
      });
      const reaches = async (id: string, state: InstallJob['state'], ms = 60_000): Promise<InstallJob> => {
        await expect.poll(() => jobs.get(id)?.state, { timeout: ms, message: JSON.stringify(jobs.get(id)?.error) }).toBe(state);
        return jobs.get(id) as InstallJob;
      };
      const does = async (action: InstallJob['action'], keepData = true): Promise<InstallJob> => {
        const { id } = installs.start(remoteMachine(session), action);
        const ready = await reaches(id, 'ready');
        expect(ready.problems.filter(({ blocking }) => blocking)).toEqual([]);
        installs.run(id, { keepData });
        await expect.poll(() => jobs.get(id)?.state, { timeout: 90_000 }).not.toBe('running');
        expect({ state: jobs.get(id)?.state, error: jobs.get(id)?.error }).toEqual({ state: 'done', error: undefined });
        return jobs.get(id) as InstallJob;
      };
      const shell = async (script: string) => (await session.exec('sh', { input: script, timeoutMs: 60_000 })).stdout.trim();

      const before = await shell('ip -o link | wc -l; nft list ruleset; ls -A /usr/local/lib /usr/local/bin /var/lib/gantry');
      const installed = await does('install');
      expect(installed.steps.every(({ status }) => status === 'done')).toBe(true);
      expect(installed.steps.find(({ id }) => id === 'upload')?.progress?.done).toBeGreaterThan(50_000_000);
      expect(await shell('gantryd --version')).toMatch(/^Gantry version \d/);
      expect(await shell('ls -d /tmp/gantry-[0-9a-f]* 2>/dev/null | xargs -r ls')).not.toContain('gantryd.js');

      const api = (method: string, path: string, body?: string) =>
        shell(
          `curl -s --unix-socket /run/gantry/gantry.sock -X ${method} ${body ? `-H 'Content-Type: application/json' -d '${body}'` : ''} 'http://localhost${path}'`,
        );
      const busybox = (await shell('command -v busybox')) || '/bin/busybox';
      await shell(
        `mkdir -p /run/gantry/t/bin && cp ${busybox} /run/gantry/t/bin/sh && tar -C /run/gantry/t -c . | curl -s --unix-socket /run/gantry/gantry.sock -X POST -H 'Content-Type: application/x-tar' --data-binary @- 'http://localhost/images/create?fromSrc=-&repo=base'`,
      );
      const { Id: id } = JSON.parse(
        await api('POST', '/containers/create?name=lives', '{"Image":"base","Cmd":["/bin/sh","-c","while :; do read x </dev/zero; done"]}'),
      );
      await api('POST', `/containers/${id}/start`);
      const pid = JSON.parse(await api('GET', `/containers/${id}/json`)).State.Pid;
      expect(pid).toBeGreaterThan(0);

      // Once more is refused; an upgrade goes through under the container.
      const again = installs.start(remoteMachine(session), 'install');
      expect((await reaches(again.id, 'ready')).problems).toMatchObject([{ code: 'no-systemd' }, { code: 'installed', blocking: true }]);
      expect(() => installs.run(again.id, { keepData: true })).toThrow(/nothing to run/);
      await does('upgrade');
      expect(JSON.parse(await api('GET', `/containers/${id}/json`)).State).toMatchObject({ Running: true, Pid: pid });

      // An upgrade that does not start puts the old one back.
      const broken = join(folder, 'broken.js');
      writeFileSync(broken, 'process.exit(1)');
      const failing = new Installs({
        engine: broken,
        units: join(root, 'assets', 'systemd'),
        runtime: { shipped: [], own: process.execPath },
        onChange: (job) => jobs.set(job.id, job),
        log: () => {},
      });
      const bad = failing.start(remoteMachine(session), 'upgrade');
      await reaches(bad.id, 'ready');
      failing.run(bad.id, { keepData: true });
      const failed = await reaches(bad.id, 'failed', 120_000);
      expect(failed.error).toMatchObject({ code: 'install-step', values: { step: 'verify' } });
      expect(failed.error?.detail).not.toMatch(/Not undone/);
      await expect.poll(async () => (await api('GET', '/version')) !== '', { timeout: 20_000 }).toBe(true);
      expect(JSON.parse(await api('GET', `/containers/${id}/json`)).State).toMatchObject({ Running: true, Pid: pid });

      await does('uninstall', false);
      expect(await shell(`[ -e /proc/${pid} ] && echo lives`)).toBe('');
      expect(await shell('ip -o link | wc -l; nft list ruleset; ls -A /usr/local/lib /usr/local/bin /var/lib/gantry')).toBe(before);
    } finally {
      for (const session of sessions) session.close();
      await server.dispose();
    }
  },
  240_000,
);
