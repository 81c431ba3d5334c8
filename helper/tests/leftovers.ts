import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** What an engine may leave in the kernel. Each a readable line. */
export interface Traces {
  mounts: string[];
  processes: string[];
  links: string[];
  namespaces: string[];
  tables: string[];
}

/** All of it that names `folder`, or is new since `before`. */
export function traces(folder: string): Traces {
  return {
    mounts: lines(readFileSync('/proc/self/mountinfo', 'utf8')).filter((line) => line.includes(folder)),
    processes: processes(folder),
    // With the alias: names are too short to tell engines apart.
    links: lines(output('ip', ['-o', 'link', 'show'])).map((line) => line.replace(/^\d+: ([^:@]*).*?(?:alias (.*))?$/, '$1 $2').trim()),
    namespaces: lines(output('ip', ['netns', 'list'])).map((line) => line.split(' ')[0] ?? ''),
    tables: lines(output('nft', ['list', 'tables'])),
  };
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
  for (const line of left.mounts) output('umount', ['-l', line.split(' ')[4] ?? '']);
  for (const line of left.links) output('ip', ['link', 'del', line.split(' ')[0] ?? '']);
  for (const name of left.namespaces) output('ip', ['netns', 'del', name]);
  for (const line of left.tables) output('nft', ['delete', ...line.split(' ')]);
}

function processes(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(folder) && !line.startsWith(`${process.pid} `));
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
