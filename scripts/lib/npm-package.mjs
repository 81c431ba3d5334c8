/** A package as npm fetches it, from whatever registry npm is configured for, pinned by content. Dependency-free. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';
import { Stop } from './say.mjs';

/** @returns `sha512-…`, as a lock file writes it */
async function integrityOf(file) {
  const hash = createHash('sha512');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return `sha512-${hash.digest('base64')}`;
}

/**
 * Fetches a package without installing it; nothing of it is looked at before it is known to be the right one.
 *
 * @param spec       `name@version`
 * @param integrity  `sha512-…` of its archive
 * @param folder     takes the archive
 * @returns the archive's path
 * @throws Stop with words for the user
 */
export async function fetchPackage(spec, integrity, folder) {
  const { code, output } = await run('npm', ['pack', spec, '--silent', '--pack-destination', folder], { quiet: true, cwd: folder });
  const archive = join(folder, output.trim().split('\n').at(-1) ?? '');
  if (code !== 0 || !existsSync(archive)) throw new Stop(`npm pack ${spec} failed:\n${output}`);
  const found = await integrityOf(archive);
  if (found !== integrity) throw new Stop(`${spec} is not what it was: ${found} instead of ${integrity}`);
  return archive;
}
