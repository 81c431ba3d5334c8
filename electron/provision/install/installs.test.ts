import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstallJob } from '../../ipc/contract.ts';
import { connectSsh, type SshSession } from '../../ssh/index.ts';
import { BARE_MACHINE, hostBlock, TRACES } from '../../testing/bare-machine.ts';
import { perTest } from '../../testing/per-test.ts';
import { MemorySecrets } from '../../testing/ssh-answers.ts';
import { mayHavePasswords, type Sshd, sshHome } from '../../testing/sshd.ts';
import { Installs, remoteMachine } from './index.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const engine = join(root, 'dist', 'gantryd.js');

let folder: string;
/** As small as can be: what is copied in these tests is a script that runs the Node that is there. */
let node: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-install-'));
  node = join(folder, 'node');
  writeFileSync(node, `#!/bin/sh\nexec ${process.execPath} "$@"\n`, { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { defer, sshd } = perTest();

/** A bare machine, and what installs on it. */
class Bench {
  readonly server: Sshd;
  readonly log: string[] = [];
  readonly jobs = new Map<string, InstallJob>();
  readonly #connect: (signal: AbortSignal) => Promise<SshSession>;
  #session: SshSession | undefined;

  static async start(): Promise<Bench> {
    const server = await sshd(BARE_MACHINE);
    const files = await sshHome(join(folder, 'home'), hostBlock('far', server), server.knownLine());
    const bench = new Bench(server, (signal) =>
      connectSsh({ host: 'far' }, { files, secrets: new MemorySecrets(), ask: undefined, signal }),
    );
    defer(() => bench.#session?.close());
    return bench;
  }
  private constructor(server: Sshd, connect: (signal: AbortSignal) => Promise<SshSession>) {
    this.server = server;
    this.#connect = connect;
  }

  async session(signal = new AbortController().signal): Promise<SshSession> {
    if (!this.#session || this.#session.closed) this.#session = await this.#connect(signal);
    return this.#session;
  }
  async shell(script: string): Promise<string> {
    return (await (await this.session()).exec('sh', { input: script, timeoutMs: 60_000 })).stdout.trim();
  }
  async api(method: string, path: string, body?: string): Promise<string> {
    const data = body ? `-H 'Content-Type: application/json' -d '${body}'` : '';
    return this.shell(`curl -s --unix-socket /run/gantry/gantry.sock -X ${method} ${data} 'http://localhost${path}'`);
  }
  installs({ bundle = engine, runtime = node } = {}): Installs {
    const units = join(root, 'assets', 'systemd');
    return new Installs({
      engine: bundle,
      units,
      runtime: { shipped: [], own: runtime },
      onChange: (job) => this.jobs.set(job.id, job),
      log: (text) => this.log.push(text),
    });
  }
  async ready(installs: Installs, action: InstallJob['action']): Promise<InstallJob> {
    const machine = remoteMachine('root@far', (signal) => this.session(signal));
    const job = installs.start(machine, action);
    const { id } = job;
    if (!this.jobs.has(id)) this.jobs.set(id, job);
    await expect.poll(() => this.jobs.get(id)?.state, { timeout: 60_000 }).not.toBe('checking');
    return this.#job(id);
  }
  async over(id: string): Promise<InstallJob> {
    await expect.poll(() => this.jobs.get(id)?.state, { timeout: 120_000 }).not.toBe('running');
    return this.#job(id);
  }
  /** @param between happens when the plan is made, or when it runs */
  async does(
    action: InstallJob['action'],
    options: {
      keepData?: boolean;
      installs?: Installs;
      between?: () => Promise<unknown>;
      meanwhile?: (id: string) => Promise<unknown>;
    } = {},
  ): Promise<InstallJob> {
    const { keepData = true, installs = this.installs(), between, meanwhile } = options;
    const { id, problems } = await this.ready(installs, action);
    expect(problems.filter(({ blocking }) => blocking)).toEqual([]);
    await between?.();
    if (action === 'uninstall') installs.keepData(id, keepData);
    installs.run(id);
    await meanwhile?.(id);
    return this.over(id);
  }
  async succeeds(action: InstallJob['action'], keepData = true): Promise<InstallJob> {
    const job = await this.does(action, { keepData });
    expect({ state: job.state, error: job.error }).toEqual({ state: 'done', error: undefined });
    return job;
  }
  #job(id: string): InstallJob {
    const job = this.jobs.get(id);
    if (!job) throw new Error('nothing was told of the job');
    return job;
  }
}
const statuses = ({ steps }: InstallJob) => Object.fromEntries(steps.map(({ id, status }) => [id, status]));

const possible = mayHavePasswords && existsSync(engine);

test.skipIf(!possible)(
  'a real machine: install, run a container, upgrade under it, uninstall without a trace',
  { timeout: 240_000 },
  async () => {
    const bench = await Bench.start();
    const before = await bench.shell(TRACES);
    const installed = await bench.succeeds('install');
    expect(new Set(Object.values(statuses(installed)))).toEqual(new Set(['done']));
    expect(await bench.shell('gantryd --version')).toMatch(/^Gantry version \d/);

    const busybox = (await bench.shell('command -v busybox')) || '/bin/busybox';
    await bench.shell(
      `mkdir -p /run/gantry/t/bin && cp ${busybox} /run/gantry/t/bin/sh && tar -C /run/gantry/t -c . | curl -s --unix-socket /run/gantry/gantry.sock -X POST -H 'Content-Type: application/x-tar' --data-binary @- 'http://localhost/images/create?fromSrc=-&repo=base'; rm -rf /run/gantry/t`,
    );
    const endless = '{"Image":"base","Cmd":["/bin/sh","-c","trap \\"exit 0\\" TERM; while :; do read x </dev/zero; done"]}';
    const { Id: id } = JSON.parse(await bench.api('POST', '/containers/create?name=lives', endless));
    await bench.api('POST', `/containers/${id}/start`);
    const state = async () => JSON.parse(await bench.api('GET', `/containers/${id}/json`)).State;
    const { Pid: pid } = await state();
    expect(pid).toBeGreaterThan(0);

    // Once more is refused; an upgrade goes through under the container, and leaves the Node that is the same.
    const installs = bench.installs();
    const again = await bench.ready(installs, 'install');
    expect(again.problems).toMatchObject([{ code: 'installed', blocking: true }, { code: 'no-systemd' }]);
    expect(() => installs.run(again.id)).toThrow(/nothing to run/);
    const upgraded = await bench.succeeds('upgrade');
    expect(upgraded.steps.find(({ id: step }) => step === 'upload')?.command).not.toMatch(/# node/);
    expect(await state()).toMatchObject({ Running: true, Pid: pid });

    // An upgrade that does not start puts the old one back.
    const bundle = join(folder, 'broken.js');
    writeFileSync(bundle, 'process.stderr.write("broken by intent\\n"); process.exit(1)');
    const failed = await bench.does('upgrade', { installs: bench.installs({ bundle }) });
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'install-step', values: { step: 'verify' } } });
    expect(failed.error?.detail).toMatch(/broken by intent/);
    expect(statuses(failed)).toMatchObject({ swap: 'undone', upload: 'undone' });
    await expect.poll(() => bench.api('GET', '/_ping'), { timeout: 20_000 }).toBe('OK');
    expect(await state()).toMatchObject({ Running: true, Pid: pid });

    // Taken away and back with its data; then without a trace.
    await bench.succeeds('uninstall');
    expect(await bench.shell(`[ -e /proc/${pid} ] && echo lives; ls /usr/local/lib /usr/local/bin`)).toBe(
      '/usr/local/bin:\n\n/usr/local/lib:',
    );
    await bench.succeeds('install');
    expect(await state()).toMatchObject({ Running: false });
    await bench.succeeds('uninstall', false);
    expect(await bench.shell(TRACES)).toBe(before);
  },
);

test.skipIf(!possible)(
  'whatever fails is undone and explained: a full disk, a package manager, an engine that does not start',
  { timeout: 240_000 },
  async () => {
    const bench = await Bench.start();
    const before = await bench.shell(TRACES);

    const full = await bench.does('install', {
      between: () => bench.shell('mount -o remount,size=1M /usr/local'),
    });
    expect(full.error).toMatchObject({ code: 'install-step', values: { step: 'files' }, detail: expect.stringMatching(/No space left/) });
    expect(statuses(full)).toMatchObject({ upload: 'undone', files: 'undone', start: 'waiting' });
    await bench.shell('mount -o remount,size=2G /usr/local');
    expect(await bench.shell(TRACES)).toBe(before);

    const bundle = join(folder, 'dies.js');
    writeFileSync(bundle, 'if (process.argv[2] !== "--version") { process.stderr.write("dies by intent\\n"); process.exit(1); }');
    const dead = await bench.does('install', { installs: bench.installs({ bundle }) });
    expect(dead.error).toMatchObject({ code: 'install-step', values: { step: 'verify' }, detail: expect.stringMatching(/dies by intent/) });
    await bench.shell('rm -f /var/log/gantryd.log');
    expect(await bench.shell(TRACES)).toBe(before);

    // A package manager of our own: first it fails, then it brings what is missing.
    const program = (name: string, ...lines: string[]) =>
      bench.shell(`cat >/usr/local/bin/${name} <<'END'\n#!/bin/sh\n${lines.join('\n')}\nEND\nchmod 755 /usr/local/bin/${name}`);
    const conmon = await bench.shell('command -v conmon');
    await bench.shell(`mount --bind /dev/null ${conmon}`);
    await program('dpkg-query', 'exit 1');
    await program('apt-get', 'case "$*" in *update*) exit 0 ;; esac', 'echo "E: Unable to locate package conmon" >&2', 'exit 100');
    const unknown = await bench.does('install');
    expect(unknown.error).toMatchObject({
      code: 'install-step',
      values: { step: 'packages' },
      detail: expect.stringMatching(/Unable to locate/),
    });
    expect(statuses(unknown)).toMatchObject({ packages: 'undone', upload: 'waiting' });
    await program('apt-get', `case "$*" in *install*) umount ${conmon} ;; esac`);
    const brought = await bench.succeeds('install');
    expect(statuses(brought)).toMatchObject({ packages: 'done', cleanup: 'done' });
    await bench.succeeds('uninstall', false);
  },
);

test.skipIf(!possible)(
  'a connection that is cut in the midst of the upload: nothing stays there, and the reason is told',
  { timeout: 120_000 },
  async () => {
    const bench = await Bench.start();
    const before = await bench.shell(TRACES);
    // Large enough to be cut, and nothing that packs well.
    const runtime = join(folder, 'large');
    writeFileSync(runtime, randomBytes(64 * 1024 * 1024));
    const cut = await bench.does('install', {
      installs: bench.installs({ runtime }),
      async meanwhile(id) {
        await expect.poll(() => bench.jobs.get(id)?.steps.some(({ progress }) => progress), { timeout: 30_000, interval: 5 }).toBe(true);
        bench.server.signalSessions('SIGKILL');
      },
    });
    expect(cut.error).toMatchObject({ code: 'ssh-lost' });
    expect(statuses(cut)).toMatchObject({ upload: 'undone', files: 'waiting' });
    expect(await bench.shell(TRACES)).toBe(before);
  },
);
