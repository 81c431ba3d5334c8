import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Line, LineType, parse } from 'ssh-config';
import { fits, fitsList } from './patterns.ts';

/** A file of ssh_config(5) with what it includes, in order. */
export type ConfigNode =
  | { kind: 'value'; key: string; values: string[] }
  | { kind: 'host'; patterns: string[]; body: ConfigNode[] }
  | { kind: 'match'; criteria: [name: string, patterns: string[]][]; body: ConfigNode[] };

export interface ConfigTree {
  nodes: ConfigNode[];
  /** What could not be read, in words; the rest counts all the same. */
  problems: string[];
}

const FILE_LIMIT_BYTES = 1024 * 1024;
const FILES_LIMIT = 256;
/** ssh's own limit. */
const DEPTH_LIMIT = 16;

/**
 * Reads a configuration file and its Includes. A file that does not exist is empty.
 *
 * @param home the user's home folder, for `~`
 */
export async function readConfigTree(path: string, home: string): Promise<ConfigTree> {
  const problems: string[] = [];
  let files = 0;
  const read = async (file: string, depth: number): Promise<ConfigNode[]> => {
    files += 1;
    if (depth > DEPTH_LIMIT || files > FILES_LIMIT) {
      problems.push(`${file}: too many files include each other`);
      return [];
    }
    const text = await readText(file, problems);
    if (text === undefined) return [];
    let lines: Line[];
    try {
      lines = parse(text);
    } catch (error) {
      // A line that is only `Host` makes the library throw a TypeError; which line it was is not said.
      problems.push(`${file}: ${error instanceof Error && !(error instanceof TypeError) ? error.message : 'a line has no value'}`);
      return [];
    }
    return nodesOf(lines, (pattern) => included(pattern, depth));
  };
  const included = async (pattern: string, depth: number): Promise<ConfigNode[]> => {
    // ssh_config(5): relative to ~/.ssh in a user's file, to /etc/ssh in the system's; that is where each of them lies.
    const base = dirname(path);
    const full = pattern.startsWith('~/') ? join(home, pattern.slice(2)) : pattern.startsWith('/') ? pattern : join(base, pattern);
    const nodes: ConfigNode[] = [];
    for (const file of await filesLike(full)) nodes.push(...(await read(file, depth + 1)));
    return nodes;
  };
  return { nodes: await read(path, 0), problems };
}

async function readText(file: string, problems: string[]): Promise<string | undefined> {
  try {
    if ((await stat(file)).size > FILE_LIMIT_BYTES) throw new Error('the file is too large');
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') problems.push(`${file}: ${message}`);
    return undefined;
  }
}

async function nodesOf(lines: Line[], include: (pattern: string) => Promise<ConfigNode[]>): Promise<ConfigNode[]> {
  const nodes: ConfigNode[] = [];
  for (const line of lines) {
    if (line.type !== LineType.DIRECTIVE || line.param === '') continue;
    const key = line.param.toLowerCase();
    const values =
      typeof line.value === 'string' ? [line.value] : line.value.map(({ val, quoted }) => (isCommand(key) && quoted ? `"${val}"` : val));
    if (key === 'include') for (const pattern of values) nodes.push(...(await include(pattern)));
    else if (key === 'host' && 'config' in line) nodes.push({ kind: 'host', patterns: values, body: await nodesOf(line.config, include) });
    else if (key === 'match' && 'config' in line)
      nodes.push({ kind: 'match', criteria: criteriaOf(values), body: await nodesOf(line.config, include) });
    else nodes.push({ kind: 'value', key, values });
  }
  return nodes;
}

/** A shell reads it again: its quotes stay. */
const isCommand = (key: string) => key === 'proxycommand';

function criteriaOf(words: string[]): [string, string[]][] {
  const criteria: [string, string[]][] = [];
  for (let at = 0; at < words.length; at += 1) {
    const name = (words[at] ?? '').toLowerCase();
    if (name === 'all' || name === 'final' || name === 'canonical') criteria.push([name, []]);
    else {
      at += 1;
      criteria.push([name, (words[at] ?? '').split(',')]);
    }
  }
  return criteria;
}

/** Files that a pattern names, sorted as the shell does; wildcards in any part of the path. */
async function filesLike(pattern: string): Promise<string[]> {
  let found = ['/'];
  for (const part of pattern.split('/').filter((segment) => segment !== '')) {
    if (!/[*?]/.test(part)) found = found.map((folder) => join(folder, part));
    else {
      const next: string[] = [];
      for (const folder of found) {
        const names = await readdir(folder).catch(() => [] as string[]);
        const visible = names.filter((name) => fits(part, name) && (part.startsWith('.') || !name.startsWith('.')));
        next.push(...visible.sort().map((name) => join(folder, name)));
      }
      found = next.slice(0, FILES_LIMIT);
    }
  }
  return found;
}

/** What Host and Match are compared with. */
export interface MatchContext {
  /** As typed. */
  alias: string;
  /** HostName as known so far. */
  hostName: () => string;
  user: () => string;
  localUser: string;
}

/**
 * Calls `give` for each setting that counts, in the file's order.
 * Of Match, only host, originalhost, user, localuser and all are decided here; what would run a command or a second pass does not fit.
 */
export function applyConfig(nodes: readonly ConfigNode[], context: MatchContext, give: (key: string, values: string[]) => void): void {
  for (const node of nodes) {
    if (node.kind === 'value') give(node.key, node.values);
    else if (node.kind === 'host' ? fitsList(node.patterns, context.alias) : node.criteria.every((criterion) => holds(criterion, context)))
      applyConfig(node.body, context, give);
  }
}

function holds([name, patterns]: [string, string[]], context: MatchContext): boolean {
  switch (name) {
    case 'all':
      return true;
    case 'host':
      return fitsList(patterns, context.hostName());
    case 'originalhost':
      return fitsList(patterns, context.alias);
    case 'user':
      return fitsList(patterns, context.user());
    case 'localuser':
      return fitsList(patterns, context.localUser);
    default:
      return false;
  }
}
