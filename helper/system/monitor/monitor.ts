import {
  closeSync,
  constants,
  promises as fs,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { Failure } from '../../engine/failure.ts';
import { run } from '../process/run.ts';
import { parentOf } from '../process/stat.ts';
import { killTree } from '../process/tree.ts';
import { startFailure } from '../runtime/messages.ts';
import type { Runtime } from '../runtime/types.ts';
import { connectPackets } from '../syscall/index.ts';
import { aheadOfOthers } from './ahead.ts';
import { type ConmonCall, findConmon, type SyncMessage, startConmon } from './conmon.ts';
import { watchExitFolder } from './exits.ts';
import { SeccompCache } from './seccomp-cache.ts';
import type { CreateProcess, ExecProcess, Monitor, MonitoredProcess } from './types.ts';

/** Creating takes 10 ms, and seconds on a machine that has no more memory. */
const CREATE_LIMIT_MS = 60_000;

export interface MonitorOptions {
  /** Folder of the exit files, below the run folder. */
  exits: string;
  /** Folder of the OCI runtime's state. */
  runtimeRoot: string;
  runtimes: ReadonlyMap<string, Runtime>;
  defaultRuntime: string;
}

export function createMonitor(options: MonitorOptions): Monitor {
  const conmon = findConmon();
  const runtimeFor = (name: string | undefined): Runtime => {
    const runtime = options.runtimes.get(name ?? options.defaultRuntime);
    if (!runtime) throw new Failure('invalidParameter', `Unknown runtime specified ${name}`);
    return runtime;
  };
  const used = new Map<string, Runtime>();
  /** Containers whose start is the runtime's: it runs their hooks. */
  const hooked = new Set<string>();
  const seccomp = new SeccompCache(options.runtimeRoot);
  let exits: Awaited<ReturnType<typeof watchExitFolder>> | undefined;

  return {
    async create(request, signal) {
      const runtime = runtimeFor(request.runtime);
      mkdirSync(request.bundle, { recursive: true, mode: 0o700 });
      const { spec, learn } = runtime.family === 'crun' ? seccomp.prepare(request.spec) : { spec: request.spec, learn: undefined };
      writeFileSync(path.join(request.bundle, 'config.json'), specText(spec));
      const call = startConmon(conmon, createArguments(request, runtime, options), { attachPipe: false, cwd: request.bundle });
      try {
        call.go();
        const { data: pid, message } = await answered(call.sync(), request.bundle, signal);
        if (pid <= 0) throw startFailure('create', runtime.family, message ?? '', request.spec.process.args[0] ?? '');
        used.set(request.id, runtime);
        if (spec.hooks) hooked.add(request.id);
        await learn?.(request.id);
        return { pid, monitorPid: parentPid(pid) };
      } finally {
        call.close();
      }
    },
    async start(containerId) {
      const runtime = used.get(containerId) ?? runtimeFor(undefined);
      const short = runtime.family === 'crun' && !hooked.has(containerId);
      if (short && releaseProcess(path.join(options.runtimeRoot, containerId, 'exec.fifo'))) return;
      const result = await run(runtime.executable, [...runtime.args, `--root=${options.runtimeRoot}`, 'start', containerId]);
      if (result.code !== 0) throw startFailure('create', runtime.family, result.stderr || result.stdout, undefined);
    },
    exec: (request) => startExec(conmon, runtimeFor(request.runtime), options, request),
    async attach(folder) {
      return connectPackets(path.join(folder, 'attach'));
    },
    async resize(folder, height, width) {
      await control(folder, `1 ${height} ${width}\n`);
    },
    async watchExits(listener) {
      exits = await watchExitFolder(options.exits, listener);
      return exits;
    },
    async forgetExit(id) {
      rmSync(path.join(options.exits, id), { force: true });
      exits?.seen.delete(id);
      used.delete(id);
      hooked.delete(id);
    },
  };
}

/**
 * A runtime that waits for ever (crun 1.8 opens what an image has where a file is mounted, and that may be a pipe) is ended
 * with all it has started.
 */
async function answered(sync: Promise<SyncMessage>, bundle: string, signal: AbortSignal | undefined): Promise<SyncMessage> {
  let settle: (() => void) | undefined;
  const given = new Promise<never>((_, reject) => {
    const giveUp = (): void =>
      reject(new Failure('system', `the runtime did not create the container in ${CREATE_LIMIT_MS / 1000} seconds`));
    const timer = setTimeout(giveUp, CREATE_LIMIT_MS);
    signal?.addEventListener('abort', giveUp);
    settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    };
  });
  try {
    return await Promise.race([sync, given]);
  } catch (error) {
    sync.catch(() => undefined);
    const monitor = Number(await fs.readFile(path.join(bundle, 'monitor-pid'), 'utf8').catch(() => ''));
    if (monitor > 0) killTree(monitor);
    throw error;
  } finally {
    settle?.();
  }
}

function commonArguments(runtime: Runtime, options: MonitorOptions, before: string[] = []): string[] {
  const [file = '', ...rest] = [...before, runtime.executable, ...runtime.args, `--root=${options.runtimeRoot}`];
  return ['--api-version', '1', '-r', file, ...rest.flatMap((arg) => ['--runtime-arg', arg]), '--full-attach'];
}

function createArguments(request: CreateProcess, runtime: Runtime, options: MonitorOptions): string[] {
  return [
    ...commonArguments(runtime, options),
    ...['-c', request.id, '-u', request.id, '-n', request.name, '-b', request.bundle],
    ...['-p', path.join(request.bundle, 'pid'), '-P', path.join(request.bundle, 'monitor-pid'), '--exit-dir', options.exits],
    ...['-l', request.logPath === undefined ? 'none' : `k8s-file:${request.logPath}`, '--no-sync-log'],
    ...(request.logBytes === undefined ? [] : ['--log-size-max', String(request.logBytes)]),
    ...(request.journalTag === undefined ? [] : ['-l', 'journald:', '--log-tag', request.journalTag]),
    ...(request.tty ? ['-t'] : []),
    ...(request.stdin ? ['-i'] : []),
    ...(request.stdin && request.leaveStdinOpen ? ['--leave-stdin-open'] : []),
  ];
}

/**
 * An added process: conmon makes the attach socket and waits, `onAttachable` connects to it, then it runs.
 * Its exit code comes on the sync pipe while we live, and as a file in its folder for whoever comes after us.
 */
async function startExec(conmon: string, runtime: Runtime, options: MonitorOptions, request: ExecProcess): Promise<MonitoredProcess> {
  mkdirSync(path.join(request.folder, 'exit'), { recursive: true, mode: 0o700 });
  const processFile = path.join(request.folder, 'process.json');
  writeFileSync(processFile, specText(request.process));
  // With a terminal the failing process would write why on that terminal, which conmon gives up with it.
  const log = request.tty && runtime.family === 'crun' ? path.join(request.folder, 'runtime.log') : undefined;
  const before = runtime.family === 'crun' && request.process.consoleSize ? await aheadOfOthers() : [];
  const call: ConmonCall = startConmon(
    conmon,
    [
      ...commonArguments(runtime, options, before),
      ...(log === undefined ? [] : ['--runtime-arg', `--log=${log}`]),
      ...['-c', request.container, '-u', request.id, '-n', request.id, '-b', request.folder],
      ...[
        '-p',
        path.join(request.folder, 'pid'),
        '-P',
        path.join(request.folder, 'monitor-pid'),
        '--exit-dir',
        path.join(request.folder, 'exit'),
      ],
      ...['-l', 'none', '-e', '--exec-attach', '--exec-process-spec', processFile],
      ...(request.tty ? ['-t'] : []),
      ...(request.stdin ? ['-i'] : []),
    ],
    { attachPipe: true, cwd: request.folder },
  );
  let kept = false;
  try {
    call.go();
    await call.attachReady();
    await request.onAttachable?.();
    call.go();
    const { data: pid, message } = await call.sync().catch(async (error) => ({ data: -1, message: await lastWords(log, error) }));
    if (pid <= 0) throw startFailure('exec', runtime.family, message ?? '', request.process.args[0] ?? '');
    kept = true;
    const exited = call
      .sync()
      .then(({ data }) => data)
      .finally(() => call.close());
    exited.catch(() => undefined);
    return { pid, monitorPid: parentPid(pid), exited };
  } finally {
    if (!kept) call.close();
  }
}

/** What the runtime left in its log; without any, conmon's end is all that is known. */
async function lastWords(log: string | undefined, error: unknown): Promise<string> {
  const text = log === undefined ? '' : await fs.readFile(log, 'utf8').catch(() => '');
  if (!text.trim()) throw error;
  return text;
}

/** conmon's `ctl` FIFO: opening it for writing without a reader would wait for ever, so non-blocking. */
async function control(folder: string, command: string): Promise<void> {
  const file = path.join(folder, 'ctl');
  let handle: Awaited<ReturnType<typeof fs.open>>;
  try {
    handle = await fs.open(file, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    await handle.write(command);
  } finally {
    await handle.close();
  }
}

/**
 * Does what `crun start` does for a container without hooks: its first process waits on this FIFO for a byte.
 * @returns false when nothing waits there: crun then finds the words for why
 * Source: crun's src/libcrun/status.c and container.c
 */
function releaseProcess(fifo: string): boolean {
  let fd: number;
  try {
    // Not blocking: without a reader (the process is gone) the open would wait for ever.
    fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    unlinkSync(fifo); // crun tells "created" from "running" by it
    writeSync(fd, '\0');
    return true;
  } finally {
    closeSync(fd);
  }
}

function parentPid(pid: number): number {
  try {
    return parentOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return 0;
  }
}

/** The kernel's "no limit" (2^64 - 1) is no double: 2^64 stands for it in a spec, and is written as the literal that is meant. */
function specText(value: unknown): string {
  return JSON.stringify(value).replaceAll(':18446744073709552000', ':18446744073709551615');
}
