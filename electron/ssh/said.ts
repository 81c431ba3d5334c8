import { failure, shown } from './failures.ts';
import type { ExecResult } from './session.ts';

/** What every machine is asked for first. */
export interface SystemFacts {
  os: string;
  /** As uname says: x86_64, aarch64 … */
  arch: string;
  kernel: string;
  distribution: string;
  user: string;
  /** -1 where the machine does not say. */
  uid: number;
}

const MARK = 'gantry-says\t1';
const LINES_LIMIT = 1000;
const FIELD_LIMIT = 200;

/**
 * POSIX sh, read from stdin: whatever the user's login shell is, it only has to start `sh`.
 *
 * @param questions commands that answer by `say KIND FIELD…`
 */
export function sayingScript(questions: string): string {
  return `LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/libexec/podman
say() { printf '%s\\t' "$@"; printf '\\n'; }
say gantry-says 1
say system "$(uname -s)" "$(uname -m)" "$(uname -r)"
say distribution "$(. /etc/os-release 2>/dev/null && printf %s "$PRETTY_NAME")"
say user "$(id -un)" "$(id -u)" "$(id -Gn)"
${questions}
exit 0
`;
}

/**
 * Takes apart what the script printed. Anything before it, such as a greeting from a login script, is passed over.
 *
 * @returns lines of a kind and its fields, safe to be shown; undefined if no shell has answered
 */
export function linesSaid(output: string): string[][] | undefined {
  const lines = output.split('\n').slice(0, LINES_LIMIT);
  const from = lines.findIndex((line) => line.startsWith(MARK));
  if (from === -1) return undefined;
  return lines.slice(from + 1).map((line) => line.split('\t').map((field) => shown(field, FIELD_LIMIT)));
}

export function systemFacts(lines: readonly string[][]): SystemFacts {
  const field = (kind: string, index: number) => lines.find(([first]) => first === kind)?.[index] ?? '';
  const uid = field('user', 2);
  return {
    os: field('system', 1),
    arch: field('system', 2),
    kernel: field('system', 3),
    distribution: field('distribution', 1),
    user: field('user', 1),
    uid: /^\d{1,10}$/.test(uid) ? Number(uid) : -1,
  };
}

/** What answered is no shell. */
export function noShell(machine: string, { stdout, stderr, code }: ExecResult) {
  const detail = shown(`code ${code}\n${stderr}\n${stdout}`, 2000);
  return failure('protocol', `${machine} runs no commands for this user`, { values: { machine }, detail });
}
