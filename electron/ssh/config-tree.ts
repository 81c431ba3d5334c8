import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ConfigLine, configLines } from './config-lines.ts';
import { fitsGlob, fitsList } from './patterns.ts';

/** A file of ssh_config(5) with what it includes, in order. */
export type ConfigNode =
  | { kind: 'value'; key: string; values: string[] }
  | { kind: 'host'; patterns: string[]; body: ConfigNode[] }
  | { kind: 'match'; criteria: Criterion[]; body: ConfigNode[] };

export interface Criterion {
  name: string;
  /** With `!` before it. */
  negated: boolean;
  /** What follows, if something does. */
  given: string;
}

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
    const { lines, odd } = configLines(text);
    if (odd.length > 0) problems.push(`${file}: what is in line ${odd.join(', ')} makes no sense`);
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

async function nodesOf(lines: ConfigLine[], include: (pattern: string) => Promise<ConfigNode[]>): Promise<ConfigNode[]> {
  const nodes: ConfigNode[] = [];
  let body = nodes;
  for (const { key, words, rest } of lines) {
    if (key === 'host' || key === 'match') {
      body = [];
      nodes.push(key === 'host' ? { kind: 'host', patterns: words, body } : { kind: 'match', criteria: criteriaOf(words), body });
    } else if (key === 'include') for (const pattern of words) body.push(...(await include(pattern)));
    // A shell reads it again: its quotes stay.
    else body.push({ kind: 'value', key, values: key === 'proxycommand' ? [rest] : words });
  }
  return nodes;
}

const ALONE = new Set(['all', 'final', 'canonical']);

function criteriaOf(words: string[]): Criterion[] {
  const criteria: Criterion[] = [];
  for (let at = 0; at < words.length; at += 1) {
    // `host=nas` is the same as `host nas`.
    const [, mark, name = '', given] = /^(!?)([^=]*)(?:=(.*))?$/s.exec(words[at] ?? '') ?? [];
    const alone = ALONE.has(name.toLowerCase());
    if (!alone && given === undefined) at += 1;
    criteria.push({ name: name.toLowerCase(), negated: mark === '!', given: alone ? '' : (given ?? words[at] ?? '') });
  }
  return criteria;
}

/** Files that a pattern names, sorted as the shell does; wildcards in any part of the path. */
async function filesLike(pattern: string): Promise<string[]> {
  let found = ['/'];
  for (const part of pattern.split('/').filter((segment) => segment !== '')) {
    if (!/[*?[]/.test(part)) found = found.map((folder) => join(folder, part));
    else {
      const next: string[] = [];
      for (const folder of found) {
        const names = await readdir(folder).catch(() => [] as string[]);
        const visible = names.filter((name) => fitsGlob(part, name) && (part.startsWith('.') || !name.startsWith('.')));
        next.push(...visible.sort().map((name) => join(folder, name)));
      }
      found = next.slice(0, FILES_LIMIT);
    }
  }
  return found;
}

/** What Host and Match are compared with. */
export interface MatchContext {
  /** What Host is compared with: the name as typed, in a second pass what it has come to. */
  host: string;
  typed: string;
  /** HostName as known so far. */
  hostName: () => string;
  user: () => string;
  localUser: string;
  /** The second pass, that Match final asks for. */
  isFinal: boolean;
  /** Whether a command, with its tokens still in it, ends well. */
  exec: (command: string) => boolean;
}

/** Calls `give` for each setting that counts, in the file's order. */
export function applyConfig(nodes: readonly ConfigNode[], context: MatchContext, give: (key: string, values: string[]) => void): void {
  for (const node of nodes) {
    if (node.kind === 'value') give(node.key, node.values);
    else if (node.kind === 'host' ? fitsList(node.patterns, context.host) : node.criteria.every((criterion) => holds(criterion, context)))
      applyConfig(node.body, context, give);
  }
}

/** Whether what is in the files counts only in a second pass. */
export const wantsFinal = (nodes: readonly ConfigNode[]): boolean =>
  nodes.some(
    (node) =>
      node.kind !== 'value' && ((node.kind === 'match' && node.criteria.some(({ name }) => name === 'final')) || wantsFinal(node.body)),
  );

function holds({ name, negated, given }: Criterion, context: MatchContext): boolean {
  const fitting = (text: string) => fitsList(given.split(','), text) !== negated;
  switch (name) {
    case 'all':
      return !negated;
    case 'final':
    case 'canonical':
      return context.isFinal !== negated;
    case 'host':
      return fitting(context.hostName());
    case 'originalhost':
      return fitting(context.typed);
    case 'user':
      return fitting(context.user());
    case 'localuser':
      return fitting(context.localUser);
    case 'exec':
      return context.exec(given) !== negated;
    default:
      return false;
  }
}
