import { randomBytes } from 'node:crypto';
import type { ExecCreateRequest, ExecInspect } from '../../contract/docker/index.ts';
import type { ExecHost } from './types.ts';

/** An added process, from its creation until some time after its end. */
export interface Exec {
  id: string;
  container: string;
  /** The container's, where the request names none. */
  user: string;
  request: ExecCreateRequest;
  command: string[];
  state:
    | { status: 'created' }
    | { status: 'starting' }
    | { status: 'running'; pid: number }
    | { status: 'ended'; exitCode: number; pid: number };
  folder: string;
  /** When its process runs, or will not. */
  settled: Promise<void>;
  settle(): void;
}

export function newExec(host: ExecHost, request: ExecCreateRequest): Exec {
  const id = randomBytes(32).toString('hex');
  let settle = (): void => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const folder = `${host.folder}/${id}`;
  return {
    id,
    container: host.id,
    user: request.User || host.config.User || '',
    request,
    command: request.Cmd ?? [],
    state: { status: 'created' },
    folder,
    settled,
    settle,
  };
}

export function describeExec(exec: Exec): ExecInspect {
  const { request, state, command } = exec;
  return {
    ID: exec.id,
    Running: state.status === 'running',
    ExitCode: state.status === 'ended' ? state.exitCode : null,
    ProcessConfig: {
      tty: request.Tty ?? false,
      entrypoint: command[0] ?? '',
      arguments: command.slice(1),
      privileged: request.Privileged ?? false,
      ...(exec.user ? { user: exec.user } : {}),
    },
    OpenStdin: request.AttachStdin ?? false,
    OpenStderr: request.AttachStderr ?? false,
    OpenStdout: request.AttachStdout ?? false,
    CanRemove: false,
    ContainerID: exec.container,
    DetachKeys: request.DetachKeys ?? '',
    Pid: state.status === 'running' || state.status === 'ended' ? state.pid : 0,
  };
}
