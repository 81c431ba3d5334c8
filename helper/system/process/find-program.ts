import { existsSync } from 'node:fs';
import path from 'node:path';

/** A program on PATH; undefined: it is not installed. */
export function findProgram(name: string): string | undefined {
  return (process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin')
    .split(':')
    .map((folder) => path.join(folder, name))
    .find((candidate) => existsSync(candidate));
}
