import { EngineClient, identify } from '../engine-client/index.ts';
import { HostFailure, hostErrorOf } from '../hosts/errors.ts';
import type { FoundOnMachine, MachineFacts } from '../ipc/contract.ts';
import { notListening, openEngine, socketProblem, startCommand, type Way } from './engine-door.ts';
import { type Probe, type ProbedSocket, probe } from './probe.ts';
import type { SshSession } from './session.ts';

const ANSWER_MS = 8000;
const SOCKETS_LIMIT = 16;
const ORDER = ['usable', 'permission', 'off'] as const;

/**
 * Looks for engines on a machine: at the usual sockets and at `path`, asks each who it is, and says of those that can't be used why.
 *
 * @throws ChannelRefused or HostFailure if the machine runs no commands for this user and `path` leads nowhere
 */
export async function findEngines(
  session: SshSession,
  path: string | undefined,
  signal: AbortSignal,
): Promise<{ engines: FoundOnMachine[]; machine: MachineFacts }> {
  const found = await probe(session, path === undefined ? [] : [path], signal);
  const engines = await Promise.all(distinct(found.sockets).map((socket) => look(session, found, socket, signal)));
  engines.push(...sleeping(session, found, engines));
  const rank = ({ state, socketPath }: FoundOnMachine) => (socketPath === path ? 0 : 1) + 2 * ORDER.indexOf(state);
  const machine = {
    os: found.os,
    arch: found.arch,
    kernel: found.kernel,
    distribution: found.distribution,
    user: found.user,
    isRoot: found.uid === 0,
  };
  return { engines: engines.sort((a, b) => rank(a) - rank(b)), machine };
}

/** Without other names of the same socket, and without folders that may hide one if there are others. */
function distinct(sockets: ProbedSocket[]): ProbedSocket[] {
  const seen = new Set<string>();
  return sockets
    .filter(({ identity, access }) => {
      if (access === 'hidden') return true;
      if (identity !== '' && seen.has(identity)) return false;
      seen.add(identity);
      return true;
    })
    .slice(0, SOCKETS_LIMIT);
}

const productAt = (path: string): FoundOnMachine['product'] =>
  /podman/.test(path) ? 'Podman' : /gantry/.test(path) ? 'Gantry' : /docker/.test(path) ? 'Docker' : 'unknown';

async function look(session: SshSession, found: Probe, socket: ProbedSocket, signal: AbortSignal): Promise<FoundOnMachine> {
  const { path } = socket;
  const where = { machine: session.machine, path, user: session.user };
  const common = { socketPath: path, product: productAt(path), version: '', rootless: isRootless(found, socket), byCommand: false };
  const problem = socketProblem(found, path, where);
  if (problem) return { ...common, state: 'permission', error: problem };
  let way: Way | undefined;
  const client = new EngineClient(async (abort) => {
    const opened = await openEngine(session, path, way, abort);
    way = opened.way;
    return opened.stream;
  });
  const timeout = AbortSignal.timeout(ANSWER_MS);
  const abort = () => client.close();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const { product, version } = await identify(client, timeout);
    // Ours needs root, whoever its socket was given to.
    const rootless = common.rootless && product !== 'Gantry';
    return { ...common, product, version, rootless, state: 'usable', byCommand: Boolean(way?.command) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const why = error instanceof HostFailure ? error.error : way?.command ? notListening(found, where) : hostErrorOf(error, path);
    return { ...common, state: 'off', error: why };
  } finally {
    signal.removeEventListener('abort', abort);
    client.close();
  }
}

const isRootless = ({ uid }: Probe, { path, owner }: ProbedSocket) =>
  uid !== 0 && (owner !== '' ? owner !== 'root' : /\/(home|user)\//.test(path));

/** Engines that are installed and whose socket is not there. */
function sleeping(session: SshSession, found: Probe, known: FoundOnMachine[]): FoundOnMachine[] {
  const candidates: [tool: string, product: FoundOnMachine['product'], path: string][] = [
    ['gantryd', 'Gantry', '/run/gantry/gantry.sock'],
    ['dockerd', 'Docker', '/var/run/docker.sock'],
    ['podman', 'Podman', found.uid === 0 ? '/run/podman/podman.sock' : `/run/user/${found.uid}/podman/podman.sock`],
  ];
  return candidates
    .filter(([tool, product]) => found.tools.has(tool) && !known.some((engine) => engine.product === product))
    .map(([, product, socketPath]) => {
      const where = { machine: session.machine, path: socketPath, user: session.user };
      const error = socketProblem({ ...found, sockets: [] }, socketPath, where);
      const fix = startCommand(found, socketPath);
      return {
        socketPath,
        product,
        version: '',
        state: 'off' as const,
        rootless: product === 'Podman' && found.uid !== 0,
        byCommand: false,
        ...(error && { error: { ...error, ...(fix && { fix }) } }),
      };
    });
}
