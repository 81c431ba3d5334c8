import { linesSaid, noShell, type SystemFacts, sayingScript, systemFacts } from './said.ts';
import type { SshSession } from './session.ts';

/** A Unix socket on a machine, as its shell sees it. */
export interface ProbedSocket {
  path: string;
  /** `hidden`: in a folder that this user may not enter, so it may be there or not. */
  access: 'yes' | 'no' | 'hidden';
  owner: string;
  group: string;
  /** Device and inode: several names may be one socket. Empty where stat does not say. */
  identity: string;
}
export interface Probe extends SystemFacts {
  groups: string[];
  /** Programs that are there, with their paths. */
  tools: Map<string, string>;
  sockets: ProbedSocket[];
}

const PROBE_MS = 20_000;
const TOOLS = ['gantryd', 'docker', 'dockerd', 'podman', 'socat', 'sudo', 'systemctl'];

/** Where engines listen by habit. Shell words; `$run` is the user's runtime folder. */
const USUAL = [
  '/run/gantry/gantry.sock',
  '/var/run/docker.sock',
  '/run/docker.sock',
  '"$run/docker.sock"',
  '/run/podman/podman.sock',
  '"$run/podman/podman.sock"',
  '"$HOME/.docker/run/docker.sock"',
  '"$HOME/.docker/desktop/docker.sock"',
  '"$HOME/.colima/default/docker.sock"',
];

export const shellQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function probeScript(paths: readonly string[]): string {
  const sockets = [...paths.map(shellQuoted), ...USUAL, '"${DOCKER_HOST#unix://}"'];
  return sayingScript(`for tool in ${TOOLS.join(' ')}; do
  path=$(command -v "$tool" 2>/dev/null) && say tool "$tool" "$path"
done
run=\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
for path in ${sockets.join(' ')}; do
  if [ -S "$path" ]; then
    access=no
    [ -r "$path" ] && [ -w "$path" ] && access=yes
    say socket "$path" "$access" "$(stat -Lc '%U %G %d:%i' "$path" 2>/dev/null)"
  elif [ -d "\${path%/*}" ] && [ ! -x "\${path%/*}" ]; then
    say socket "$path" hidden ''
  fi
done`);
}

function parseProbe(output: string): Probe | undefined {
  const lines = linesSaid(output);
  if (!lines) return undefined;
  const probe: Probe = { ...systemFacts(lines), groups: [], tools: new Map(), sockets: [] };
  for (const [kind, a = '', b = '', c = ''] of lines) {
    if (kind === 'user') probe.groups = c.split(' ').filter((name) => name !== '');
    else if (kind === 'tool' && TOOLS.includes(a) && isPath(b)) probe.tools.set(a, b);
    else if (kind === 'socket' && isPath(a) && (b === 'yes' || b === 'no' || b === 'hidden')) {
      const [owner = '', group = '', identity = ''] = c.split(' ');
      if (!probe.sockets.some(({ path }) => path === a)) probe.sockets.push({ path: a, access: b, owner, group, identity });
    }
  }
  return probe;
}

// A socket's path has at most 107 bytes.
const isPath = (text: string) => /^\/[^\0-\x1f]*$/.test(text) && Buffer.byteLength(text) <= 107;

/**
 * Asks a machine's shell what is there.
 *
 * @param paths sockets to look at besides the usual ones
 * @throws ChannelRefused if the user may run no commands there; HostFailure if what answers is no shell
 */
export async function probe(session: SshSession, paths: readonly string[] = [], signal?: AbortSignal): Promise<Probe> {
  const answer = await session.exec('sh', { input: probeScript(paths), timeoutMs: PROBE_MS, ...(signal && { signal }) });
  const parsed = parseProbe(answer.stdout);
  if (!parsed) throw noShell(session.machine, answer);
  return parsed;
}
