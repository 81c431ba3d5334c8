#!/usr/bin/env node
/**
 * Builds everything into dist/, and only what changed:
 *
 *   gantryd.js                    the helper: one CommonJS file that a plain Node 18 or later runs from anywhere
 *   electron/main.cjs, preload.cjs   the application's main process
 *   renderer/                     the window's content
 *
 * node scripts/build.mjs [helper] [electron] [renderer] [--force]
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, unlessFresh } from './lib/fingerprint.mjs';
import { dist, isMain, root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { runMain, Stop, say, since } from './lib/say.mjs';

const common = ['package-lock.json', 'tsconfig.json', 'scripts/build.mjs', 'scripts/lib'];

// A bundle is CommonJS, and what asks for import.meta gets an answer all the same.
const cjs = {
  bundle: true,
  platform: 'node',
  target: 'node18',
  format: 'cjs',
  charset: 'ascii',
  legalComments: 'none',
  logLevel: 'warning',
  absWorkingDir: root,
  banner: { js: "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  define: { 'import.meta.url': '__moduleUrl', 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
};

/** The commit that is built and its time, for `docker version`; empty outside a checkout. Not the clock: the same sources make the same file. */
async function revision() {
  const { code, output } = await run('git', ['-C', root, 'log', '-1', '--format=%h %cI'], { quiet: true }).catch(() => ({
    code: 1,
    output: '',
  }));
  const [commit = '', time = ''] = code === 0 ? output.trim().split(' ') : [];
  return { commit, time };
}

async function buildHelper() {
  const { build } = await import('esbuild');
  const { embedKoffi, workerText } = await import('./lib/bundle-plugins.mjs');
  const { commit, time } = await revision();
  await build({
    ...cjs,
    define: { ...cjs.define, GANTRY_COMMIT: JSON.stringify(commit), GANTRY_BUILD_TIME: JSON.stringify(time) },
    entryPoints: ['helper/main.ts'],
    outfile: 'dist/gantryd.js',
    plugins: [workerText(cjs), embedKoffi],
  });
}

async function buildElectron() {
  const { build } = await import('esbuild');
  const { workerText } = await import('./lib/bundle-plugins.mjs');
  await build({
    ...cjs,
    entryPoints: ['electron/main.ts'],
    outfile: 'dist/electron/main.cjs',
    // ssh2's native parts are optional, and not built (package.json, allowScripts): the same file everywhere.
    external: ['electron', 'cpu-features', '*/sshcrypto.node'],
    plugins: [workerText(cjs)],
  });
  // A sandboxed preload has no node:url and no __filename: it goes without the banner.
  await build({
    ...cjs,
    banner: {},
    define: {},
    entryPoints: ['electron/preload.ts'],
    outfile: 'dist/electron/preload.cjs',
    external: ['electron'],
  });
}

async function buildRenderer() {
  const { build } = await import('vite');
  await build({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn' });
}

const parts = {
  helper: { inputs: ['helper'], outputs: ['gantryd.js'], make: buildHelper },
  electron: { inputs: ['electron', 'helper/contract'], outputs: ['electron/main.cjs', 'electron/preload.cjs'], make: buildElectron },
  renderer: {
    inputs: ['renderer', 'electron/ipc', 'helper/contract', 'assets', 'vite.config.ts'],
    outputs: ['renderer/index.html'],
    make: buildRenderer,
  },
};

/**
 * Builds the named parts (all by default), skipping those whose sources have not changed.
 *
 * @param options  names: of `parts`; force: build even what is fresh
 */
export async function buildAll({ names = Object.keys(parts), force = false } = {}) {
  mkdirSync(dist, { recursive: true });
  // The repository is of type module; what lies in dist is not.
  writeFileSync(join(dist, 'package.json'), '{"type":"commonjs"}\n');
  await Promise.all(
    names.map(async (name) => {
      const { inputs, outputs, make } = parts[name];
      const start = performance.now();
      const stamp = join(dist, '.stamps', name);
      if (force) rmSync(stamp, { force: true });
      const paths = outputs.map((output) => join(dist, output));
      if (await unlessFresh(stamp, fingerprint([...inputs, ...common]), paths, make)) say(`built ${name} (${since(start)})`);
    }),
  );
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const given = process.argv.slice(2);
    if (given.includes('--help')) {
      process.stdout.write(`Usage: node scripts/build.mjs [${Object.keys(parts).join('] [')}] [--force]\n`);
      return;
    }
    const names = given.filter((argument) => !argument.startsWith('-'));
    const unknown = names.find((name) => !(name in parts));
    if (unknown !== undefined) throw new Stop(`there is no part named ${unknown}: ${Object.keys(parts).join(', ')}`);
    await buildAll({ names: names.length > 0 ? names : undefined, force: given.includes('--force') });
  });
}
