import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

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
    links: lines(output('ip', ['-o', 'link', 'show'])).map((line) => (line.split(': ')[1] ?? '').replace(/@.*/, '')),
    namespaces: lines(output('ip', ['netns', 'list'])).map((line) => line.split(' ')[0] ?? ''),
    tables: lines(output('nft', ['list', 'tables'])),
  };
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
