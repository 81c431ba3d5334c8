import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { engineTraces, sweep, traces, wordsOf } from './leftovers.ts';

/**
 * A run of the engine tests has a folder, in which all that its tests make lies: so what it leaves is told from what other runs
 * on this machine do. At its end there must be nothing of it: no files, mounts, processes, links, packet filter tables, cgroups.
 */
const PREFIX = 'gantry-tests-';
/** In a run's folder: the process that it is of, and when that began. */
const OWNER = 'owner';

/** vitest's globalSetup. */
export default function setup(): () => void {
  const parent = os.tmpdir();
  for (const name of readdirSync(parent)) if (name.startsWith(PREFIX)) clearDeadRun(path.join(parent, name));
  const run = mkdtempSync(path.join(parent, PREFIX));
  // Some tests look at their sockets as another user.
  chmodSync(run, 0o711);
  writeFileSync(path.join(run, OWNER), identity(process.pid) ?? '');
  process.env.TMPDIR = run;
  return () => {
    const left = clear(run);
    if (left.length === 0) return;
    // vitest prints what a teardown throws, and says that all is well.
    process.exitCode = 1;
    throw new Error(`the tests left behind:\n${left.join('\n')}`);
  };
}

/** Of a run that was killed nobody has looked. */
function clearDeadRun(run: string): void {
  const owner = existsSync(path.join(run, OWNER)) ? readFileSync(path.join(run, OWNER), 'utf8') : '';
  if (owner && identity(Number(owner.split(' ')[0])) !== owner) clear(run);
}

/** Removes all that there is of a run. @returns what it had left, in words */
function clear(run: string): string[] {
  const files = readdirSync(run).filter((name) => name !== OWNER);
  const all = [...engineFolders(run).map(engineTraces), traces(run)];
  for (const left of all) sweep(left);
  rmSync(run, { recursive: true, force: true });
  return [...files.map((name) => `files: ${path.join(run, name)}`), ...new Set(all.flatMap(wordsOf))];
}

function engineFolders(folder: string, depth = 3): string[] {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  if (folders.some(({ name }) => name === 'data')) return [folder];
  return depth > 0 ? folders.flatMap(({ name }) => engineFolders(path.join(folder, name), depth - 1)) : [];
}

/** Numbers of processes come again; with the time of its start one is meant. */
function identity(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${pid} ${text.slice(text.lastIndexOf(')')).split(' ')[20]}`;
  } catch {
    return undefined;
  }
}
