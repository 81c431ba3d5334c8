import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localMachine } from './index.ts';
import { runPlan } from './install.ts';
import { type Machine, type Rights, Root } from './machine.ts';
import type { PlannedStep } from './plan.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-install-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plan(...steps: Partial<PlannedStep>[]): PlannedStep[] {
  return steps.map((step) => ({ id: 'files', asRoot: false, script: 'true', ...step }));
}
async function run(
  steps: PlannedStep[],
  more: { signal?: AbortSignal; files?: Record<string, string>; staging?: string; machine?: Machine; rights?: Rights } = {},
) {
  const machine = more.machine ?? localMachine('here');
  const told: string[] = [];
  const work = runPlan({
    machine,
    root: new Root(machine, { rights: more.rights ?? 'none', user: 'ada', askPassword: async () => '' }),
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

test('what can’t be undone is told, with its commands', async () => {
  const { error } = await run(plan({ undo: 'echo stuck >&2; false' }, { script: 'echo why >&2; false' }));
  expect(error).toMatchObject({ error: { code: 'install-left' } });
  expect(error?.error?.detail).toMatch(/why[\s\S]*Not undone:\necho stuck >&2; false\nstuck/);
});

test('no way to root: nothing is begun, and nothing needs to be undone', async () => {
  const { told, error } = await run(plan({ undo: 'true' }, { asRoot: true, undo: 'true' }));
  expect(error).toMatchObject({ error: { code: 'sudo-missing', values: { user: 'ada' } } });
  expect(told).toEqual([]);
});

test('an abort undoes; what root does is waited for first', async () => {
  const begun = new AbortController();
  const undone = join(folder, 'undone');
  const aborted = run(plan({ script: 'exec sleep 30', undo: `touch ${undone}` }), { signal: begun.signal });
  setTimeout(() => begun.abort(), 100);
  expect((await aborted).told).toEqual(['0 running', '0 failed', '0 undoing', '0 undone']);
  expect(existsSync(undone)).toBe(true);
  const asked = new AbortController();
  const marks = join(folder, 'root-marks');
  const waited = run(
    plan({ asRoot: true, script: `sleep 0.5; echo done >>${marks}`, undo: `echo undone >>${marks}` }, { script: 'true' }),
    {
      signal: asked.signal,
      rights: 'root',
    },
  );
  setTimeout(() => asked.abort(), 100);
  expect((await waited).told).toEqual(['0 running', '0 done', '0 failed', '0 undoing', '0 undone']);
  expect(readFileSync(marks, 'utf8')).toBe('done\nundone\n');
});

test('a machine that was lost is waited for, and what was begun there is undone', async () => {
  const here = localMachine('here');
  let lost = 0;
  const machine: Machine = {
    name: 'here',
    shell: async (command, options) => {
      if (String(options?.input).includes('cut')) lost = 2;
      if (lost > 0) {
        lost -= 1;
        throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
      }
      return here.shell(command, options);
    },
  };
  const { told, error } = await run(plan({ undo: `touch ${folder}/found-again` }, { script: 'cut' }), { machine });
  expect(error?.message).toBe('gone');
  expect(told.slice(2)).toEqual(['1 running', '1 failed', '0 undoing', '0 undone']);
  expect(existsSync(join(folder, 'found-again'))).toBe(true);
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
  await root.ready();
  expect((await root.run("echo 'x'")).stdout).toBe('done');
  await root.run('true');
  expect(asked).toEqual([false, true]);
  expect(calls.every(({ command }) => command.startsWith("sudo -k -S -p '' sh -c '"))).toBe(true);
  expect(calls.at(-2)?.command).toBe(`sudo -k -S -p '' sh -c 'echo '\\''x'\\'''`);
  const denied = new Root(
    { name: 'nas', shell: async () => ({ code: 1, stdout: '', stderr: 'ada is not in the sudoers file.' }) },
    { rights: 'sudo-password', user: 'ada', askPassword: async () => 'x' },
  );
  await expect(denied.ready()).rejects.toMatchObject({ error: { code: 'sudo-missing', detail: 'ada is not in the sudoers file.' } });
  const wrong = new Root(
    { name: 'nas', shell: async () => ({ code: 1, stdout: '', stderr: 'Sorry, try again.' }) },
    { rights: 'sudo-password', user: 'ada', askPassword: async () => 'secret' },
  );
  const error = await wrong.ready().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ error: { code: 'sudo-password', values: { machine: 'nas', user: 'ada' } } });
  expect(JSON.stringify((error as { error: unknown }).error)).not.toContain('secret');
});
