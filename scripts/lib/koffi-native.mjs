/**
 * Part of the helper's bundle, not of the build: takes the place of koffi's own search for its native addon, which is inside the
 * bundle. The addon is written once to a folder that only its owner can enter, named by its content, and loaded from there.
 */

import { addons } from 'gantry:koffi-addons';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** Several, since any of them may be missing, read-only or mounted noexec. */
function candidates(name) {
  const uid = process.getuid();
  const own = `gantry-${uid}-${name}`;
  return uid === 0
    ? [join('/run', own), join('/var/cache', own), join(tmpdir(), own)]
    : [join(process.env.XDG_RUNTIME_DIR || tmpdir(), own), join(tmpdir(), own)];
}

/** A folder that is ours alone: in /tmp somebody else may have made one with this name, or a link. */
function privateFolder(folder) {
  try {
    mkdirSync(folder, { mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid() || (found.mode & 0o077) !== 0) throw new Error(`${folder} is not ours`);
}

function writeAddon(folder, addon) {
  privateFolder(folder);
  const path = join(folder, 'koffi.node');
  try {
    if (createHash('sha256').update(readFileSync(path)).digest('hex') === addon.sha256) return path;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  const part = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(part, brotliDecompressSync(Buffer.from(addon.brotli, 'base64')), { mode: 0o700, flag: 'wx' });
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
  return path;
}

let loaded;

function load(pkg) {
  const addon = addons[pkg];
  if (addon === undefined) throw new Error(`this gantryd was built without the native part for ${pkg}`);
  const failures = [];
  for (const folder of candidates(addon.sha256.slice(0, 16))) {
    try {
      const path = writeAddon(folder, addon);
      const module = { exports: {} };
      process.dlopen(module, path);
      return { path, native: module.exports };
    } catch (error) {
      failures.push(error.message);
    }
  }
  throw new Error(`the native part of gantryd could not be loaded: ${failures.join('; ')}`);
}

/** What koffi calls with the name of its platform package, such as linux-x64. */
export function loadStatic(pkg) {
  loaded ??= load(pkg);
  return loaded.native;
}

/** Where the addon lies on disk, for the bundles of worker threads. */
export function addonPath() {
  loaded ??= load(`${process.platform}-${process.arch}`);
  return loaded.path;
}
