#!/usr/bin/env node
/**
 * Brings in what Gantry needs: npm's dependencies and system packages. Runs with nothing but Node and npm; says nothing when nothing
 * is missing.
 *
 *   node scripts/setup.mjs [--sets engine,gui,display,test] [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages, missingPackages } from './lib/debian.mjs';
import { packageSets } from './lib/packages.mjs';
import { isMain, root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { runMain, Stop, say, since } from './lib/say.mjs';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Whether node_modules holds what package-lock.json says: npm keeps a list of what it has put there. */
function dependenciesFresh() {
  const installedList = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedList)) return false;
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const stamp = join(root, 'node_modules', '.gantry-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockText) return true;
  const installed = readJson(installedList).packages;
  // Optional ones are for other platforms, as a rule.
  const fresh = Object.entries(JSON.parse(lockText).packages).every(
    ([path, { version, optional, devOptional }]) => path === '' || optional || devOptional || installed[path]?.version === version,
  );
  if (fresh) writeFileSync(stamp, lockText);
  return fresh;
}

async function installDependencies() {
  if (dependenciesFresh()) return;
  const start = performance.now();
  say('installing npm dependencies …');
  const { code, output } = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { quiet: true, cwd: root });
  if (code !== 0) throw new Stop(`npm ci failed (npm's registry must be reachable):\n${output.slice(-4000)}`);
  writeFileSync(join(root, 'node_modules', '.gantry-lock'), readFileSync(join(root, 'package-lock.json'), 'utf8'));
  say(`npm dependencies installed (${since(start)})`);
}

/** Whether a window can be shown. */
export const hasDisplay = () => Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);

/**
 * Makes sure that dependencies and packages are there.
 *
 * @param sets  names from packages.mjs
 * @throws Stop with words for the user
 */
export async function setup(sets) {
  const [major] = process.versions.node.split('.');
  if (Number(major) < 20) throw new Stop(`Node 20 or later is needed; this is ${process.version}`);
  if (process.platform === 'linux') {
    const entries = sets.flatMap((name) => packageSets[name].packages);
    const missing = missingPackages(entries);
    if (missing.length > 0) {
      const reasons = sets.filter((name) => packageSets[name].packages.some((entry) => missing.includes(entry)));
      await installPackages(missing, reasons.map((name) => packageSets[name].why).join('; '));
    }
  }
  await installDependencies();
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const given = process.argv.slice(2);
    if (given.includes('--help')) {
      process.stdout.write(
        `Usage: node scripts/setup.mjs [--sets ${Object.keys(packageSets).join(',')}] [--check]\n  --check  only names what is missing\n`,
      );
      return;
    }
    const at = given.indexOf('--sets');
    const sets = at >= 0 ? (given[at + 1] ?? '').split(',') : ['engine', 'gui', ...(hasDisplay() ? [] : ['display'])];
    const unknown = sets.find((name) => !(name in packageSets));
    if (unknown !== undefined) throw new Stop(`there is no set named '${unknown}': ${Object.keys(packageSets).join(', ')}`);
    if (given.includes('--check')) {
      for (const { name } of missingPackages(sets.flatMap((set) => packageSets[set].packages))) process.stdout.write(`${name}\n`);
      return;
    }
    await setup(sets);
  });
}
