import { Failure } from '../../engine/failure.ts';

/** The last error in what crun or runc wrote on stderr, without their log prefixes. */
export function runtimeMessage(name: string, output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map(oneMessage)
    .filter((line): line is string => line !== undefined);
  return lines.at(-1) ?? `${name} failed without a message`;
}

function oneMessage(line: string): string | undefined {
  if (line.startsWith('{')) {
    try {
      const record = JSON.parse(line) as { msg?: string; level?: string };
      return record.level === 'warning' || record.level === 'info' ? undefined : record.msg;
    } catch {
      return line;
    }
  }
  const logfmt = /level=(\w+) msg="((?:[^"\\]|\\.)*)"/.exec(line);
  if (logfmt) return logfmt[1] === 'error' || logfmt[1] === 'fatal' ? logfmt[2]?.replace(/\\"/g, '"') : undefined;
  return line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z?:? /, '').replace(/^(?:ERRO|error)(?:\[\d+\])?[: ]+/i, '');
}

interface Cause {
  pattern: RegExp;
  /** Undefined: it is something else, after all. */
  words: (match: RegExpExecArray, command: string, known: boolean) => string | undefined;
}

/**
 * crun's words → runc's, which Docker clients look for: docker run exits with 127 at `executable file not found` or
 * `no such file or directory`, and with 126 at `permission denied`.
 */
const CAUSES: Cause[] = [
  {
    // An empty name is found in the first folder of PATH, as the folder itself.
    pattern: /permission denied|not permitted|no such file|is a directory/i,
    words: (_, command, known) => (known && command === '' ? 'exec: "": executable file not found in $PATH' : undefined),
  },
  {
    pattern: /the sysctl `([^`]+)` requires a new network namespace/,
    words: ([, name]) => `sysctl "${name}" not allowed in host network namespace`,
  },
  {
    pattern: /open (\/?proc\/sys\/\S+): ([A-Z].*)/,
    words: ([, file = '', reason = '']) => `error during container init: open /${file.replace(/^\//, '')}: ${reason.toLowerCase()}`,
  },
  {
    pattern: /^mount `([^`]+)` to `([^`]+)`: (.+)$/,
    words: ([, source, target, why = '']) =>
      `error during container init: error mounting "${source}" to rootfs at "/${target}": mount ${source}:/${target}, flags: 0x5000: ${why.toLowerCase()}`,
  },
  {
    pattern: /executable file [`'"]([^`'"]*)[`'"] not found/,
    words: ([, file = '']) =>
      file.includes('/')
        ? `exec: "${file}": stat ${file}: no such file or directory`
        : `exec: "${file}": executable file not found in $PATH`,
  },
  {
    // A name without a folder is looked for in those of PATH, and what can't be run there is passed over.
    pattern: /open executable: (.+)$/,
    words: ([, why = ''], command, known) => {
      if (!known) return undefined;
      if (!command.includes('/')) return `exec: "${command}": executable file not found in $PATH`;
      if (/not permitted|permission denied/i.test(why)) return `exec: "${command}": permission denied`;
      return `exec: "${command}": stat ${command}: ${why.toLowerCase()}`;
    },
  },
  {
    pattern: /(?:chdir|chdir to|cwd)[^:]*[`'"]([^`'"]+)[`'"][^:]*: (?:No such file|Not a directory|Permission denied).*/i,
    words: ([all, folder]) => `chdir to cwd ("${folder}") set in config.json failed: ${reason(all)}`,
  },
  {
    pattern:
      /(?:open|exec(?:ve)?|stat)[^:]*[`'"]([^`'"]+)[`'"][^:]*: (?:No such file or directory|Permission denied|Is a directory|Exec format error)/i,
    // What could not be opened may be the place of a mount as well.
    words: ([all, file = ''], command) =>
      /^(?:open|stat)/i.test(all) && !`/${file}`.endsWith(`/${command.replace(/^.*\//, '')}`)
        ? undefined
        : `exec: "${file || command}": ${reason(all)}`,
  },
  { pattern: /exec.*(?:Exec format error)/i, words: (_, command) => `exec ${command}: exec format error` },
  { pattern: /exec.*(?:Permission denied)/i, words: (_, command) => `exec: "${command}": permission denied` },
  { pattern: /exec.*(?:No such file or directory)/i, words: (_, command) => `exec: "${command}": no such file or directory` },
];

function reason(text: string): string {
  if (/No such file or directory/i.test(text)) return 'no such file or directory';
  if (/Not a directory/i.test(text)) return 'not a directory';
  if (/Exec format error/i.test(text)) return 'exec format error';
  return 'permission denied';
}

/**
 * The failure of a create, start or exec as dockerd words it.
 * @param what `OCI runtime create failed` or `OCI runtime exec failed`
 * @param command the program that was to run; undefined where it is not known
 */
export function startFailure(what: 'create' | 'exec', runtime: string, output: string, command: string | undefined): Failure {
  const message = runtimeMessage(runtime, output);
  for (const { pattern, words } of CAUSES) {
    const match = pattern.exec(message);
    const found = match && words(match, command ?? '', command !== undefined);
    if (!found) continue;
    const cause = `unable to start container process: ${found}: unknown`;
    return new Failure(
      'invalidParameter',
      what === 'exec'
        ? `OCI runtime exec failed: exec failed: ${cause}`
        : `failed to create task for container: failed to create shim task: OCI runtime create failed: ${runtime} create failed: ${cause}`,
    );
  }
  return new Failure(
    'system',
    what === 'exec'
      ? `OCI runtime exec failed: exec failed: ${message}: unknown`
      : `failed to create task for container: failed to create shim task: OCI runtime create failed: ${runtime} create failed: ${message}: unknown`,
  );
}
