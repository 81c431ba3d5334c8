import { promises as fs, readdirSync, readFileSync, rmdirSync } from 'node:fs';

function absent(error: unknown): undefined {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENODEV' || code === 'EOPNOTSUPP') return undefined;
  throw error;
}

/** The text of a cgroup file; undefined when the group or the file is not there (any more). */
export async function readText(file: string): Promise<string | undefined> {
  return fs.readFile(file, 'utf8').catch(absent);
}

/** The same at once, for files that the kernel makes of a few numbers: a tenth of what handing it to the thread pool costs. */
export function readTextNow(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return absent(error);
  }
}

/** A single number; `max` and v1's "no limit" (near 2^63) as Infinity is not JSON, so as Number.MAX_SAFE_INTEGER. */
export async function readNumber(file: string, fallback = 0): Promise<number> {
  const text = (await readText(file))?.trim();
  if (text === undefined || text === '') return fallback;
  if (text === 'max') return UNLIMITED;
  return Math.min(Number(text), UNLIMITED);
}
export const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** `key value` lines. */
export function parseKeyed(text: string | undefined): Record<string, number> {
  const values: Record<string, number> = {};
  for (const line of text?.split('\n') ?? []) {
    const space = line.indexOf(' ');
    if (space > 0) values[line.slice(0, space)] = Math.min(Number(line.slice(space + 1)), UNLIMITED);
  }
  return values;
}

export function parsePids(text: string | undefined): number[] {
  return (text ?? '').split('\n').filter(Boolean).map(Number);
}

/** @throws when some process does not end in time */
export async function killGroup(folder: string): Promise<void> {
  for (let attempt = 0; attempt < KILL_ATTEMPTS; attempt += 1) {
    const pids = await pidsBelow(folder);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, KILL_PAUSE_MS));
  }
  throw new Error(`processes of ${folder} do not end`);
}
const KILL_ATTEMPTS = 200;
const KILL_PAUSE_MS = 10;

async function pidsBelow(folder: string): Promise<number[]> {
  const below = await Promise.all(groupsIn(folder).map((name) => pidsBelow(`${folder}/${name}`)));
  return [...parsePids(await readText(`${folder}/cgroup.procs`)), ...below.flat()];
}

/** Removes a group and the groups below it, children first. Groups that still hold processes stay. */
export function removeGroup(folder: string): void {
  if (removeEmptyGroup(folder)) return;
  for (const name of groupsIn(folder)) removeGroup(`${folder}/${name}`);
  removeEmptyGroup(folder);
}

/** Removes the groups right below `folder` (and what is in them) that `keep` does not name. */
export function removeOthers(folder: string, keep: ReadonlySet<string>): void {
  for (const name of groupsIn(folder)) if (!keep.has(name)) removeGroup(`${folder}/${name}`);
}

/** Removes a group. @returns false when it holds processes or groups, and stays */
export function removeEmptyGroup(folder: string): boolean {
  try {
    rmdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY') return false;
    if (code !== 'ENOENT') throw error;
  }
  return true;
}

function groupsIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
