import type { Duplex } from 'node:stream';
import { HostFailure } from '../hosts/errors.ts';
import type { HostError } from '../ipc/contract.ts';
import { failure } from './failures.ts';
import { type Probe, type ProbedSocket, probe, shellQuoted } from './probe.ts';
import { ChannelRefused, type SshSession } from './session.ts';

/** Programs that make a stream out of a socket, the best first. */
const DIALERS: [tool: string, command: (tool: string, socket: string) => string][] = [
  ['gantryd', (tool, socket) => `${tool} dial-stdio --socket ${socket}`],
  ['docker', (tool, socket) => `${tool} -H unix://${socket} system dial-stdio`],
  ['podman', (tool, socket) => `${tool} --url unix://${socket} system dial-stdio`],
  // -t: it would end half a second after one direction has.
  ['socat', (tool, socket) => `${tool} -t 86400 STDIO UNIX-CONNECT:${socket}`],
];

/** The command that dials a socket there, if the machine has a program for it. */
export function dialCommandOf({ tools }: Probe, socketPath: string): string | undefined {
  for (const [name, command] of DIALERS) {
    const tool = tools.get(name);
    if (tool) return command(shellQuoted(tool), shellQuoted(socketPath));
  }
  return undefined;
}

/** What a stream needs on this machine: null for nothing, else the command that dials. */
export type Way = { command: string | null };

/**
 * Opens a stream to an engine's socket: by sshd itself, else by a program on the machine.
 *
 * @param known what worked before
 * @throws HostFailure that says why there is none: no socket, no permission, forwarding closed …
 */
export async function openEngine(
  session: SshSession,
  socketPath: string,
  known: Way | undefined,
  signal?: AbortSignal,
): Promise<{ stream: Duplex; way: Way }> {
  if (known?.command) return { stream: await session.openCommand(known.command, signal), way: known };
  let refused: ChannelRefused;
  try {
    return { stream: await session.openSocket(socketPath, signal), way: { command: null } };
  } catch (error) {
    if (!(error instanceof ChannelRefused)) throw error;
    refused = error;
  }
  const found = await probe(session, [socketPath], signal).catch((error: unknown) => {
    // No shell either: sshd's refusal is all that is known.
    if (error instanceof ChannelRefused || error instanceof HostFailure) return undefined;
    throw error;
  });
  const where = { machine: session.machine, path: socketPath, user: session.user };
  if (!found) throw forwardingClosed(where, refused);
  const problem = socketProblem(found, socketPath, where);
  if (problem) throw new HostFailure(problem);
  // It went through before: now it is the engine that does not listen.
  if (known) throw new HostFailure(notListening(found, where));
  const command = dialCommandOf(found, socketPath);
  if (command === undefined) throw forwardingClosed(where, refused);
  return { stream: await session.openCommand(command, signal), way: { command } };
}

type Where = { machine: string; path: string; user: string };

/** Why a socket can't be used, if it is for the socket itself; what to do, if a command does it. */
export function socketProblem(found: Probe, path: string, where: Where): HostError | undefined {
  const socket = found.sockets.find((candidate) => candidate.path === path);
  if (!socket) {
    const fix = startCommand(found, path);
    return {
      code: 'socket-missing',
      message: `No engine is listening on ${where.machine}: ${path} does not exist`,
      values: where,
      ...(fix && { fix }),
    };
  }
  if (socket.access === 'yes') return undefined;
  const fix = permissionFix(found, socket);
  return {
    code: 'permission',
    message: `${found.user} may not use ${path} on ${where.machine}`,
    values: { ...where, user: found.user, group: socket.group },
    ...(fix && { fix }),
  };
}

export function notListening(found: Probe, where: Where): HostError {
  const fix = startCommand(found, where.path);
  return {
    code: 'refused',
    message: `${where.path} on ${where.machine} is there, but no engine answers on it`,
    values: where,
    ...(fix && { fix }),
  };
}

function forwardingClosed(where: Where, cause: Error): HostFailure {
  const message = `${where.machine} lets no stream through to ${where.path}: its sshd forwards none, and no program there can`;
  return failure('ssh-forwarding', message, { values: where, detail: cause.message, cause });
}

const isOfUser = (path: string) => /^\/(run\/user\/|home\/|root\/)/.test(path);

/** A command that starts the engine that would listen there. */
export function startCommand({ tools, uid }: Probe, path: string): string | undefined {
  if (!tools.has('systemctl')) return undefined;
  const unit = /gantry/.test(path) ? 'gantry' : /podman/.test(path) ? 'podman.socket' : /docker/.test(path) ? 'docker' : undefined;
  if (!unit) return undefined;
  if (isOfUser(path) && uid !== 0) return `systemctl --user enable --now ${unit}`;
  return `${uid === 0 ? '' : 'sudo '}systemctl enable --now ${unit}`;
}

function permissionFix({ user, tools, groups }: Probe, { group, path, access }: ProbedSocket): string | undefined {
  // Podman's own way for users: an engine of theirs.
  if (/podman/.test(path) && tools.has('systemctl')) return 'systemctl --user enable --now podman.socket';
  if (
    access === 'hidden' ||
    group === '' ||
    group === 'root' ||
    groups.includes(group) ||
    !/^[\w.-]+$/.test(group) ||
    !/^[\w.-]+$/.test(user)
  ) {
    return undefined;
  }
  return `sudo usermod -aG ${group} ${user}`;
}
