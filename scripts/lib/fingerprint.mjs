/** Whether something has to be made again: hashes of what it is made from, kept in a stamp file. Dependency-free. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root } from './paths.mjs';

function* filesOf(path) {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) {
    yield path;
    return;
  }
  for (const name of readdirSync(path).sort()) {
    if (!/\.test\.tsx?$/.test(name)) yield* filesOf(join(path, name));
  }
}

/**
 * @param inputs  files and folders below the repository; tests in them don't count, missing ones are allowed
 * @param extra   any text that also decides
 * @returns hex text that changes when a name or a content does
 */
export function fingerprint(inputs, extra = '') {
  const hash = createHash('sha256').update(extra);
  for (const input of inputs) {
    for (const file of filesOf(join(root, input))) hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/**
 * Makes something unless its stamp says that it is there, made from the same.
 *
 * @param stamp    path of the stamp file
 * @param value    fingerprint of what it is made from
 * @param outputs  paths that must exist for the stamp to count
 * @param make     makes it; the stamp is written when it is done
 * @returns true if it was made now
 */
export async function unlessFresh(stamp, value, outputs, make) {
  const fresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === value && outputs.every((path) => existsSync(path));
  if (fresh) return false;
  await make();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, value);
  return true;
}
