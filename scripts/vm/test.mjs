#!/usr/bin/env node
/**
 * Runs the engine's tests in a virtual machine with systemd, cgroup v2 and the kernel of a stable distribution: what most users
 * have, where the machine that builds may be another; then the tests that reach such a machine through the window (e2e/*.vm.ts).
 * Emulated, so some ten times slower.
 *
 *   npm run test:vm -- [--only engine|window] [--filter TEXT]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { virtualDisplay } from '../lib/display.mjs';
import { root, testOutput } from '../lib/paths.mjs';
import { isRoot, run, which } from '../lib/run.mjs';
import { runMain, Stop, say, since } from '../lib/say.mjs';
import { setup } from '../setup.mjs';
import { vmDisk } from './disk.mjs';
import { startMachine } from './machine.mjs';

/** Not needed for the engine's tests, and large. */
const LEFT_OUT = [
  'electron',
  'electron-winstaller',
  'lucide-react',
  '@biomejs',
  '@typescript',
  'typescript-api',
  'playwright-core',
  'app-builder-bin',
];

/** A disk with the project, Node and the docker CLI of this machine. */
async function projectDisk(folder) {
  const tree = join(folder, 'project');
  mkdirSync(tree);
  const exclude = LEFT_OUT.flatMap((name) => ['--exclude', `node_modules/${name}`]);
  const copy = `tar -C ${root} -c ${exclude.join(' ')} dist/gantryd.js dist/package.json assets helper scripts node_modules package.json tsconfig.json vitest.config.ts vite.config.ts | tar -C ${tree} -x`;
  const steps = [
    ['sh', ['-c', copy]],
    ['sh', ['-c', `mkdir ${tree}/bin && cp ${process.execPath} ${tree}/bin/node && cp ${which('docker')} ${tree}/bin/docker`]],
    ['mke2fs', ['-q', '-t', 'ext4', '-d', tree, join(folder, 'project.img'), '1500M']],
  ];
  for (const [command, args] of steps) {
    const { code, output } = await run(command, args, { quiet: true });
    if (code !== 0) throw new Stop(`${command} failed: ${output.slice(-1000)}`);
  }
  return join(folder, 'project.img');
}

/** The engine's tests, inside the machine. */
async function testEngine(image, filter) {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-vm-test-'));
  let machine;
  try {
    const disk = await projectDisk(folder);
    const start = performance.now();
    machine = await startMachine(image, { disks: [disk], memory: 3072 });
    say(`the virtual machine is up (${since(start)})`);
    const prepare = [
      'mkdir /project && mount -o ro /dev/vdb /project && mkdir -p /srv/gantry && cp -r /project/. /srv/gantry',
      'for each in br_netfilter nf_nat overlay; do modprobe $each; done; uname -r; stat -f -c %T /sys/fs/cgroup',
    ].join(' && ');
    const ready = await machine.ssh(prepare);
    if (ready.code !== 0) throw new Stop(`the virtual machine could not be prepared: ${ready.output}`);
    say(`kernel ${ready.output.trim().split('\n').join(', ')}`);
    const test = [
      'cd /srv/gantry && export PATH=/srv/gantry/bin:$PATH GANTRY_TEST_BUNDLE=/srv/gantry/dist/gantryd.js GANTRY_TEST_MACHINE=1',
      `node node_modules/vitest/vitest.mjs run --project=engine --reporter=default --reporter=json --outputFile.json=/root/results.json ${filter}`,
    ].join(' && ');
    const { code } = await machine.ssh(test, { quiet: false });
    mkdirSync(join(testOutput, 'results'), { recursive: true });
    const results = join(testOutput, 'results', 'vm.json');
    if (await machine.copyFrom('/root/results.json', results)) {
      const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(results, 'utf8'));
      say(`in the virtual machine: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped (${since(start)})`);
    }
    if (code !== 0) throw new Stop('the tests in the virtual machine failed');
  } finally {
    await machine?.stop();
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

await runMain(async () => {
  const { values } = parseArgs({ options: { filter: { type: 'string' }, only: { type: 'string' } } });
  const { filter = '', only } = values;
  if (only !== undefined && only !== 'engine' && only !== 'window') throw new Stop(`--only engine or --only window, not '${only}'`);
  if (!isRoot) throw new Stop('the disk of the virtual machine is made by root: use sudo');
  await setup(['engine', 'gui', 'display', 'test', 'vm']);
  const built = await run(process.execPath, [join(root, 'scripts', 'build.mjs')]);
  if (built.code !== 0) throw new Stop('it does not build');
  const image = await vmDisk();
  if (only !== 'window') await testEngine(image, filter);
  if (only !== 'engine') await testWindow(filter);
});
