/** Where things lie. Dependency-free. */
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const dist = join(root, 'dist');
export const testOutput = join(root, 'test-output');
/** Kept between clones: what is costly to fetch. */
export const userCache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'gantry');

/** True when the module with this import.meta.url is the program itself, not imported. */
export const isMain = (url) => process.argv[1] !== undefined && fileURLToPath(url) === process.argv[1];
