#!/usr/bin/env node
/**
 * Runs the engine's tests in a virtual machine with systemd, cgroup v2 and the kernel of a stable distribution: what most users
 * have, where the machine that builds may be another; then the tests that reach such a machine through the window (e2e/*.vm.ts).
 *
 *   npm run test:vm -- [--only engine|window] [--filter TEXT] [--short]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { missingPackages, rootPrefix } from '../lib/debian.mjs';
import { virtualDisplay } from '../lib/display.mjs';
import { packageSets } from '../lib/packages.mjs';
import { root, testOutput } from '../lib/paths.mjs';
import { failedTests, readReport } from '../lib/report.mjs';
import { isRoot, run } from '../lib/run.mjs';
import { runMain, Stop, say, since, yellow } from '../lib/say.mjs';
import { setup } from '../setup.mjs';
import { vmDisk } from './disk.mjs';
import { startMachine } from './machine.mjs';
import { projectDisk } from './project.mjs';

const usage = `Usage: npm run test:vm -- [--only engine|window] [--filter TEXT] [--short]

  --only    the engine's tests in the machine, or those that reach it through the window
  --filter  only test files whose path contains TEXT
  --short   of the engine's tests those that meet systemd, cgroup v2 and the kernel, in some minutes; without qemu's package it
            says so and ends well. What CI runs
`;

/** What another cgroup version, another kernel and systemd can break: limits, states, networks. Paths contain one of these. */
const SHORT = ['tests/machine/', 'tests/containers.test', 'tests/stops.test', 'tests/networks.test', 'tests/published-ports.test'];

/** A machine computes on one processor (see its clock), so one for each; two get most of what there is to get. */
const MACHINES = Math.min(2, availableParallelism());

/** Nothing of it takes half as long on a machine that others use, too: a kernel that hangs is not waited for. */
const LIMIT_MS = 3 * 3_600_000;
const SHORT_LIMIT_MS = 3_600_000;

/** A share of the engine's tests, inside a machine. @returns vitest's report, undefined if it could not write one */
async function testShare(image, disk, { filters, limitMs, extent }, share) {
  const start = performance.now();
  const machine = await startMachine(image, { disks: [disk], memory: 3072, clock: 'work' });
  try {
    const prepare = [
      'mkdir /srv/gantry && mount /dev/vdb /srv/gantry',
      'for each in br_netfilter nf_nat overlay; do modprobe $each; done; uname -r; stat -f -c %T /sys/fs/cgroup',
    ].join(' && ');
    const ready = await machine.ssh(prepare);
    if (ready.code !== 0) throw new Stop(`the virtual machine could not be prepared: ${ready.output}`);
    say(`a virtual machine is up (${since(start)}): ${ready.output.trim().split('\n').join(', ')}`);
    const vitest = `node node_modules/vitest/vitest.mjs run --project=engine --shard=${share}/${MACHINES} --passWithNoTests`;
    const test = [
      `cd /srv/gantry && export PATH=/srv/gantry/bin:$PATH GANTRY_TEST_BUNDLE=/srv/gantry/dist/gantryd.js GANTRY_TEST_MACHINE=${extent}`,
      ...(process.stderr.isTTY ? [] : ['export NO_COLOR=1']),
      `${vitest} --reporter=default --reporter=json --outputFile.json=/root/results.json ${filters.join(' ')}`,
    ].join(' && ');
    const { code } = await machine.ssh(test, { quiet: false, timeoutMs: limitMs });
    const results = join(testOutput, 'results', `vm-${share}.json`);
    const report = (await machine.copyFrom('/root/results.json', results)) ? readReport(results) : undefined;
    return { code, report };
  } finally {
    await machine.stop();
  }
}

/** The engine's tests, shared among machines. */
async function testEngine(image, chosen) {
  const start = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'gantry-vm-test-'));
  try {
    mkdirSync(join(testOutput, 'results'), { recursive: true });
    const disk = await projectDisk(folder);
    const shares = Array.from({ length: MACHINES }, (_, at) => testShare(image, disk, chosen, at + 1));
    const outcomes = await Promise.allSettled(shares);
    const done = outcomes.filter(({ status }) => status === 'fulfilled').map(({ value }) => value);
    const count = (key) => done.reduce((sum, { report }) => sum + (report?.[key] ?? 0), 0);
    const counts = `${count('numPassedTests')} passed, ${count('numFailedTests')} failed, ${count('numPendingTests')} skipped`;
    say(`in virtual machines: ${counts} (${since(start)})`);
    for (const test of done.flatMap(({ report }) => failedTests(report))) process.stdout.write(`  ${test}\n`);
    const broken = outcomes.find(({ status }) => status === 'rejected');
    if (broken) throw broken.reason;
    if (done.some(({ code }) => code !== 0)) throw new Stop('the tests in the virtual machines failed');
    if (count('numPassedTests') === 0) throw new Stop('no test was run in the virtual machines');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A machine as a host: the application's window, here, sets it up and uses it. */
async function testWindow(filter) {
  const start = performance.now();
  const display = await virtualDisplay();
  try {
    const args = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project=vm', ...(filter ? [filter] : [])];
    const { code } = await run(process.execPath, args, { cwd: root, env: { ...process.env, DISPLAY: display.display } });
    if (code !== 0) throw new Stop('the tests through the window failed');
    say(`through the window: passed (${since(start)})`);
  } finally {
    display.stop();
  }
}

/** Where there is no qemu to be had, nothing that a change to Gantry did is at fault. @returns whether there is */
async function machinesCanBeMade() {
  try {
    await setup(['vm']);
    return true;
  } catch (error) {
    const missing = missingPackages(packageSets.vm.packages).map(({ name }) => name);
    if (missing.length === 0) throw error;
    say(yellow(`skipped: the tests in a virtual machine. There are no packages for one here (${missing.join(', ')}): ${error.message}`));
    return false;
  }
}

/** The disk is made by root, and kept in root's cache. @returns the exit code */
async function againAsRoot() {
  const prefix = rootPrefix();
  if (prefix === undefined) throw new Stop('the disk of the virtual machine is made by root, and there is neither sudo nor pkexec here');
  const path = [process.env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin'].join(':');
  const call = [...prefix, 'env', `PATH=${path}`, process.execPath, ...process.argv.slice(1)];
  const { code } = await run(call[0], call.slice(1), { stdio: 'inherit' });
  const owner = `${process.getuid()}:${process.getgid()}`;
  await run(prefix[0], [...prefix.slice(1), 'chown', '-R', owner, testOutput, join(root, 'dist')], { quiet: true });
  return code;
}

await runMain(async () => {
  const { values } = parseArgs({
    options: { filter: { type: 'string' }, only: { type: 'string' }, short: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  const { filter, short, help } = values;
  const only = values.only ?? (short ? 'engine' : undefined);
  if (help) {
    process.stdout.write(usage);
    return;
  }
  if (only !== undefined && only !== 'engine' && only !== 'window') throw new Stop(`--only engine or --only window, not '${only}'`);
  if (!isRoot) process.exit(await againAsRoot());
  if (short && !(await machinesCanBeMade())) return;
  await setup(['engine', 'test', 'vm', ...(only === 'engine' ? [] : ['gui', 'display'])]);
  const built = await run(process.execPath, [join(root, 'scripts', 'build.mjs')]);
  if (built.code !== 0) throw new Stop('it does not build');
  const image = await vmDisk();
  if (only !== 'window') {
    const filters = filter ? [filter] : short ? SHORT : [];
    await testEngine(image, { filters, limitMs: short ? SHORT_LIMIT_MS : LIMIT_MS, extent: short ? 'short' : 'whole' });
  }
  if (only !== 'engine') await testWindow(filter);
});
