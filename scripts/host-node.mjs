#!/usr/bin/env node
/**
 * Fetches the Node that is copied to hosts, where the engine runs on it: dist/runtime/node-linux-ARCH, shipped with the application.
 *
 *   node scripts/host-node.mjs [x64] [arm64]    both by default; says what it fetched
 *
 * npm carries Node's own builds, one package for each architecture. docs/decisions/0008 says why it is shipped.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fetchPackage } from './lib/npm-package.mjs';
import { dist, isMain, userCache } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { runMain, Stop, say } from './lib/say.mjs';

const VERSION = '22.23.3';
const INTEGRITY = {
  x64: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  arm64: 'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
};

/** @returns the program's path in the user's cache, fetched if it is not there */
async function cached(arch) {
  const folder = join(userCache, 'node');
  const target = join(folder, `node-linux-${arch}-${VERSION}`);
  if (existsSync(target)) return target;
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, 'fetching-'));
  try {
    const spec = `node-linux-${arch}@${VERSION}`;
    say(`fetching ${spec} (50 MB) …`);
    const archive = await fetchPackage(spec, INTEGRITY[arch], work);
    const { code, output } = await run('tar', ['--no-same-owner', '-xzf', archive, '-C', work, 'package/bin/node'], { quiet: true });
    if (code !== 0) throw new Stop(`unpacking ${spec} failed:\n${output}`);
    renameSync(join(work, 'package/bin/node'), target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return target;
}

/**
 * Puts the Node for hosts of an architecture into dist/runtime.
 *
 * @param arch  `x64` or `arm64`
 * @returns its path
 * @throws Stop with words for the user
 */
async function hostNode(arch) {
  const folder = join(dist, 'runtime');
  const target = join(folder, `node-linux-${arch}`);
  const source = await cached(arch);
  mkdirSync(folder, { recursive: true });
  copyFileSync(source, `${target}.new`);
  renameSync(`${target}.new`, target);
  return target;
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const given = process.argv.slice(2);
    const all = Object.keys(INTEGRITY);
    if (given.includes('--help')) {
      process.stdout.write(`Usage: node scripts/host-node.mjs [${all.join('] [')}]\nFetches the Node that is copied to hosts.\n`);
      return;
    }
    const unknown = given.find((arch) => !all.includes(arch));
    if (unknown !== undefined) throw new Stop(`there is no architecture named ${unknown}: ${all.join(', ')}`);
    for (const arch of given.length > 0 ? given : all) process.stdout.write(`${await hostNode(arch)}\n`);
  });
}
