import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import path from 'node:path';

/** What an engine may leave behind. Each a readable line. */
export interface Traces {
  mounts: string[];
  processes: string[];
  links: string[];
  tables: string[];
  cgroups: string[];
}

/** Mounts of ours and processes that name `folder`: all that can be told of an engine that is not ours. */
export function traces(folder: string): Traces {
  return {
    mounts: lines(readFileSync('/proc/self/mountinfo', 'utf8')).filter((line) => line.includes(folder)),
    processes: processes((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)),
    links: [],
    tables: [],
    cgroups: [],
  };
}

/** All that there is of our engine with `FOLDER/data` and `FOLDER/run`; of others on this machine nothing. */
export function engineTraces(folder: string): Traces {
  // helper/instance.ts names what it makes by its data folder.
  const instance = `gantry-${createHash('sha256').update(path.join(folder, 'data')).digest('hex').slice(0, 6)}`;
  const { mounts, processes: named } = traces(folder);
  // What runs in a container names no folder.
  const inside = processes((pid) => readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/${instance}/`));
  return {
    mounts,
    processes: [...new Set([...named, ...inside])],
    // With the alias: names are too short to tell engines apart.
    links: lines(output('ip', ['-o', 'link', 'show']))
      .map((line) => line.replace(/^\d+: ([^:@]*).*?(?:alias (.*))?$/, '$1 $2').trim())
      .filter((line) => line.endsWith(` ${instance}`)),
    tables: lines(output('nft', ['list', 'tables'])).filter((line) => line.endsWith(` ${instance}`)),
    cgroups: groupsNamed(instance),
  };
}

/** Removes a group that a test has named itself. */
export function removeCgroup(name: string): void {
  for (const group of groupsNamed(name)) removeGroups(group);
}

export function wordsOf(left: Traces): string[] {
  return Object.entries(left).flatMap(([kind, all]: [string, string[]]) => all.map((line) => `${kind}: ${line}`));
}

/** Ends and removes what was left, so that a test that fails leaves the machine as it was. Best effort. */
export function sweep(left: Traces): void {
  for (const line of left.processes) {
    try {
      process.kill(Number(line.split(' ')[0]), 'SIGKILL');
    } catch {
      // It went by itself.
    }
  }
  for (const line of left.mounts.toReversed()) output('umount', ['-l', line.split(' ')[4] ?? '']);
  for (const line of left.links) output('ip', ['link', 'del', line.split(' ')[0] ?? '']);
  for (const line of left.tables) output('nft', ['delete', ...line.split(' ')]);
  for (const group of left.cgroups) removeGroups(group);
}

function groupsNamed(name: string): string[] {
  const root = '/sys/fs/cgroup';
  // v1 has one tree for each controller.
  const trees = existsSync(path.join(root, 'cgroup.controllers')) ? [root] : readdirSync(root).map((tree) => path.join(root, tree));
  return trees.map((tree) => path.join(tree, name)).filter((group) => existsSync(group));
}

function removeGroups(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true })) if (entry.isDirectory()) removeGroups(path.join(group, entry.name));
  // What was just killed leaves it a moment later.
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      rmdirSync(group);
      return;
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function processes(mine: (pid: string) => boolean): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      try {
        return mine(pid) ? [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`] : [];
      } catch {
        return [];
      }
    });
}

function output(command: string, args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter(Boolean);
}

/** Memory of a process that is in RAM, in bytes. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}
