import { rmSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Monitor } from '../../system/monitor/types.ts';
import { hasEnded, isEnding } from '../../system/process/ended.ts';
import { openSession, parseDetachKeys } from '../containers/streams/index.ts';
import type { Execs, Session } from '../containers/types.ts';
import type { Log } from '../context.ts';
import { Failure } from '../failure.ts';
import { describeExec, type Exec, newExec } from './exec.ts';
import { execProcess } from './process-spec.ts';
import type { ExecHost, FindExecHost } from './types.ts';

export interface ExecsParts {
  monitor: Monitor;
  find: FindExecHost;
  /** What a runtime's refusal means, as for a container's start. */
  refusal(error: unknown): { exitCode: number; failure: Failure };
  log: Log;
}

/** How long an ended exec can still be inspected, as dockerd keeps it. */
const KEPT_AFTER_END_MS = 5 * 60_000;
/** How long a resize waits for the start, as dockerd does. */
const START_MS = 10_000;
const REMOVED_AFTER_MS = 50;
/** Those that nobody started are kept as long as their container runs, as by dockerd, but no more than so many of them in all. */
const MOST_UNSTARTED = 10_000;

/** Source: Docker API, /containers/{id}/exec and /exec/{id}/… */
export function createExecs({ monitor, find, refusal, log }: ExecsParts): Execs & {
  /** Ids of a container's execs that run or were not started yet. */
  idsOf(container: string): string[];
  /** The container stopped or is gone: its execs are. */
  forget(container: string): void;
} {
  const execs = new Map<string, Exec>();
  /** Ids of those that nobody started yet, the eldest first. */
  const unstarted = new Set<string>();

  const known = (id: string): Exec => {
    const exec = execs.get(id);
    if (!exec) throw new Failure('notFound', `No such exec instance: ${id}`);
    return exec;
  };

  const ended = (exec: Exec, host: ExecHost, exitCode: number): void => {
    if (exec.state.status === 'ended') return;
    const ran = exec.state.status === 'running';
    exec.settle();
    exec.state = { status: 'ended', exitCode, pid: exec.state.status === 'running' ? exec.state.pid : 0 };
    // What never ran does not die.
    if (ran) host.emit('exec_die', { execID: exec.id, exitCode: String(exitCode) });
    setTimeout(() => execs.delete(exec.id), KEPT_AFTER_END_MS).unref();
    setTimeout(() => removeFolder(exec), REMOVED_AFTER_MS).unref();
  };

  /** A dozen files in memory, when the client has its answer. */
  const removeFolder = (exec: Exec): void => {
    try {
      rmSync(exec.folder, { recursive: true, force: true });
    } catch (error) {
      log.warn('exec folder not removed', { exec: exec.id, error });
    }
  };

  const forgetOne = (id: string): void => {
    execs.delete(id);
    unstarted.delete(id);
  };

  return {
    async create(container, request) {
      const host = usable(find(container), container);
      parseDetachKeys(request.DetachKeys, 'escape');
      const exec = newExec(host, request);
      execs.set(exec.id, exec);
      unstarted.add(exec.id);
      const [eldest] = unstarted;
      if (eldest !== undefined && unstarted.size > MOST_UNSTARTED) forgetOne(eldest);
      host.emit(`exec_create: ${commandText(exec)}`, { execID: exec.id });
      return exec.id;
    },

    check(id) {
      usable(find(known(id).container));
    },

    async start(id, options): Promise<Session | undefined> {
      const exec = known(id);
      if (exec.state.status === 'ended') throw new Failure('conflict', `exec command ${id} has already run`);
      if (exec.state.status !== 'created') throw new Failure('conflict', `exec command ${id} is already running`);
      const host = usable(find(exec.container));
      exec.state = { status: 'starting' };
      unstarted.delete(id);
      host.emit(`exec_start: ${commandText(exec)}`, { execID: exec.id });
      const { request } = exec;
      const stdin = !options.detach && (request.AttachStdin ?? false);
      const leaving = new AbortController();
      let settleExit: () => void = () => undefined;
      const exitKnown = new Promise<void>((resolve) => {
        settleExit = resolve;
      });
      let socket: Duplex | undefined;
      let session: Session | undefined;
      let failedWith = NOT_STARTED;
      const refuse = (error: unknown): never => {
        const { exitCode, failure } = refusal(error);
        failedWith = exitCode;
        throw failure;
      };
      try {
        const process = await execProcess(host, exec, options.consoleSize ?? request.ConsoleSize ?? undefined);
        const running = monitor.exec({
          container: host.id,
          id: exec.id,
          folder: exec.folder,
          process,
          tty: request.Tty ?? false,
          stdin,
          runtime: host.runtime,
          onAttachable: async () => {
            if (options.detach) return;
            socket = await monitor.attach(exec.folder);
            session = openSession(socket, {
              tty: request.Tty ?? false,
              raw: options.tty ?? false,
              stdin,
              stdout: request.AttachStdout ?? false,
              stderr: request.AttachStderr ?? false,
              detachKeys: request.DetachKeys,
              signal: leaving.signal,
              endAfter: exitKnown,
              ended: () => exec.state.status === 'ended' || (exec.state.status === 'running' && hasEnded(exec.state.pid)),
            });
          },
        });
        const started = await running.catch(refuse);
        exec.state = { status: 'running', pid: started.pid };
        exec.settle();
        void (started.exited ?? Promise.resolve(0))
          .then(
            (exitCode) => ended(exec, host, exitCode),
            (error) => {
              log.warn('the monitor of an exec ended without its exit code', { exec: exec.id, error });
              ended(exec, host, UNKNOWN_EXIT);
            },
          )
          .finally(settleExit);
        return session;
      } catch (error) {
        session?.body.destroy();
        socket?.destroy();
        ended(exec, host, failedWith);
        // The container ended under it. crun has many words for that (setns `mnt`: Bad file descriptor, fail startup, Broken pipe).
        if (isEnding(host.pid)) throw notRunning(host, error);
        throw error;
      }
    },

    async resize(id, height, width) {
      const exec = known(id);
      usable(find(exec.container));
      // Clients tell the size as soon as they have asked for the start, and few try again.
      if (exec.state.status === 'created' || exec.state.status === 'starting')
        await Promise.race([exec.settled, delay(START_MS, undefined, { ref: false })]);
      if (exec.state.status === 'ended') throw new Failure('conflict', `Exec ${id} is not running`);
      if (exec.state.status !== 'running') throw new Failure('system', 'timeout waiting for exec session ready');
      await monitor.resize(exec.folder, height, width);
    },

    async inspect(id) {
      return describeExec(known(id));
    },

    idsOf(container) {
      return [...execs.values()].filter((exec) => exec.container === container && exec.state.status !== 'ended').map((exec) => exec.id);
    },

    forget(container) {
      for (const exec of execs.values()) if (exec.container === container) forgetOne(exec.id);
    },
  };
}

/** As dockerd's events write it: a space follows the program even when there are no arguments. */
function commandText({ command: [program = '', ...args] }: Exec): string {
  return `${program} ${args.join(' ')}`;
}

const UNKNOWN_EXIT = 137;
/** As dockerd has it where nothing says otherwise. */
const NOT_STARTED = 126;

/** @param reference what the client called the container, for the words of a refusal */
function usable(host: ExecHost, reference = host.id): ExecHost {
  if (host.status === 'paused') throw new Failure('conflict', `Container ${reference} is paused, unpause the container before exec`);
  if (host.status === 'restarting')
    throw new Failure('conflict', `Container ${host.id} is restarting, wait until the container is running`);
  if (host.status === 'stopped') throw notRunning(host);
  return host;
}

const notRunning = (host: ExecHost, cause?: unknown): Failure =>
  new Failure('conflict', `Container ${host.id} is not running`, cause === undefined ? {} : { cause });
