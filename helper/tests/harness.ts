import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BASE, baseImageArchive } from './base-image.ts';
import { Client } from './client.ts';
import { engineTraces, sweep, wordsOf } from './leftovers.ts';
import { answering, end, type Finished, run } from './process.ts';

export { BASE } from './base-image.ts';
export { type Answer, Client, demultiplex, Raw } from './client.ts';
export { eventually } from './process.ts';

/**
 * The engine that the suites run on: ours, or, with GANTRY_TEST_ENGINE=dockerd, the dockerd of this machine in a network
 * namespace of its own. What differs on dockerd is a finding about our expectations.
 */
export const ENGINE = process.env.GANTRY_TEST_ENGINE === 'dockerd' ? 'dockerd' : 'gantry';
export const onGantry = ENGINE === 'gantry';

const repository = path.resolve(import.meta.dirname ?? '.', '../..');

export interface EngineOptions {
  /** Load the base image? Default: yes. */
  image?: boolean;
  env?: NodeJS.ProcessEnv;
  /** More arguments; for our engine only, as are those below. */
  args?: string[];
  /** In place of Node and the bundle: what starts them. */
  wrap?: string[];
  /** daemon.json. */
  config?: Record<string, unknown>;
  /** Its data lies on a file system (ext4) of its own, of this size (as truncate's `-s`). */
  dataSize?: string;
  /** … with project quotas. */
  quotas?: boolean;
  /** … whose disk lies in a folder, `FOLDER/below`, that has room for so much of it: what does not fit there fails when it is written out. */
  diskSize?: string;
  /** Shell commands that come before it, in a mount namespace of its own: `$FOLDER` is the engine's folder. */
  before?: string;
}

export interface TestEngine {
  /** Of the process that serves. */
  pid: number;
  folder: string;
  socketPath: string;
  client: Client;
  /** The same engine at another version of the API. */
  at(version: string): Client;
  /** The real docker CLI on this engine. */
  docker(args: string[], options?: { input?: string; env?: NodeJS.ProcessEnv }): Promise<Finished>;
  /** Environment for other ways of running the CLI (under a pty). */
  env: NodeJS.ProcessEnv;
  /** Sends a signal to the engine's process. */
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and wait for the end; containers and folders stay. */
  quit(): Promise<number | null>;
  /** kill -9, as a crash does it. */
  crash(): Promise<void>;
  /** Starts the engine again after a crash or a stop, on the same folders. */
  start(): Promise<void>;
  log(): string;
  /** Removes all containers, ends the engine, and fails if anything is left of it. */
  stop(): Promise<void>;
}

/** Starts an engine in a temporary folder and loads the base image. */
export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  if (process.getuid?.() !== 0) throw new Error('the engine tests need root');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-test-'));
  const socketPath = path.join(folder, 'engine.sock');
  let child: ChildProcess;
  let log = '';

  const start = async (): Promise<void> => {
    const [command, ...args] = onGantry ? await gantryd(folder, socketPath, options) : dockerd(folder, socketPath);
    const environment = { ...process.env, FOLDER: folder, ...options.env };
    child = spawn(command ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder, env: environment });
    child.stdout?.on('data', (text) => (log += text));
    child.stderr?.on('data', (text) => (log += text));
    await answering(socketPath, child, () => log);
  };
  if (options.dataSize) {
    mkdirSync(path.join(folder, 'data'));
    const below = path.join(folder, 'below');
    mkdirSync(below);
    if (options.diskSize) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${options.diskSize}`, 'tmpfs', below]);
    const disk = path.join(below, 'disk');
    execFileSync('truncate', ['-s', options.dataSize, disk]);
    // Without blocks that only root may take: they would be the engine's.
    execFileSync('mkfs.ext4', ['-q', '-m', '0', ...(options.quotas ? ['-O', 'project,quota'] : []), disk]);
    execFileSync('mount', ['-o', options.quotas ? 'loop,prjquota' : 'loop', disk, path.join(folder, 'data')]);
  }
  if (options.config) writeFileSync(path.join(folder, 'daemon.json'), JSON.stringify(options.config));
  const cleanUp = async (): Promise<void> => {
    // Of an engine that hangs or is dead nothing stays, either.
    await end(child, 'SIGKILL');
    if (options.dataSize) execFileSync('umount', [path.join(folder, 'data')]);
    if (options.diskSize) execFileSync('umount', ['-l', path.join(folder, 'below')]);
    try {
      if (onGantry) await checkTraces(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  try {
    await start();
  } catch (error) {
    await cleanUp();
    throw error;
  }

  mkdirSync(path.join(folder, 'cli'));
  const env = {
    DOCKER_HOST: `unix://${socketPath}`,
    DOCKER_CONFIG: path.join(folder, 'cli'),
    DOCKER_CLI_HINTS: 'false',
    LC_ALL: 'C.UTF-8',
  };
  const client = new Client(socketPath, '');
  const engine: TestEngine = {
    get pid() {
      return child.pid ?? 0;
    },
    folder,
    socketPath,
    client,
    env,
    at: (version) => new Client(socketPath, `/v${version}`),
    docker: (args, { input, env: more } = {}) =>
      run('docker', args, { ...(input === undefined ? {} : { input }), env: { ...env, ...more } }),
    start,
    log: () => log,
    signal: (signal) => void child.kill(signal),
    async quit() {
      await end(child, 'SIGTERM');
      return child.exitCode;
    },
    crash: () => end(child, 'SIGKILL'),
    async stop() {
      try {
        await removeContainers(client);
        await end(child, 'SIGTERM');
      } finally {
        await cleanUp();
      }
    },
  };
  if (options.image !== false) {
    const loaded = await client.ask('POST', '/images/load?quiet=1', {
      body: await baseImageArchive(),
      headers: { 'Content-Type': 'application/x-tar' },
    });
    if (loaded.status !== 200 || loaded.text.includes('"error"')) {
      await cleanUp();
      throw new Error(`loading the base image: ${loaded.status} ${loaded.text}\n${log}`);
    }
  }
  return engine;
}

async function gantryd(folder: string, socketPath: string, options: EngineOptions): Promise<string[]> {
  const folders = ['--data', path.join(folder, 'data'), '--run', path.join(folder, 'run')];
  const config = options.config ? ['--config', path.join(folder, 'daemon.json')] : [];
  return [
    ...(options.before ? ['unshare', '-m', 'sh', '-c', `${options.before}\nexec "$@"`, 'sh'] : []),
    ...(options.wrap ?? []),
    ...[process.execPath, await helperBundle(), '--socket', socketPath, ...folders, '--log-level', 'debug', ...config],
    ...(options.args ?? []),
  ];
}

/** The helper's program, built if need be. */
export async function helperBundle(): Promise<string> {
  const bundle = process.env.GANTRY_TEST_BUNDLE ?? path.join(repository, 'dist/gantryd.js');
  if (!process.env.GANTRY_TEST_BUNDLE) {
    const built = await run(process.execPath, [path.join(repository, 'scripts/build.mjs'), 'helper']);
    if (built.code !== 0 && !existsSync(bundle)) throw new Error(`building the helper: ${built.stdout}${built.stderr}`);
  }
  return bundle;
}

/** In its own network namespace: a dockerd rewrites iptables and claims docker0. */
function dockerd(folder: string, socketPath: string): string[] {
  const options = `--data-root ${folder}/data --exec-root ${folder}/run --pidfile ${folder}/pid -H unix://${socketPath}`;
  return ['unshare', '-n', 'sh', '-c', `ip link set lo up; exec dockerd ${options}`];
}

async function removeContainers(client: Client): Promise<void> {
  const list = await client.get('/containers/json?all=1');
  const containers: { Id: string }[] = Array.isArray(list.json) ? list.json : [];
  await Promise.all(containers.map(({ Id }) => client.delete(`/containers/${Id}?force=1&v=1`)));
}

const CLIENTS_MS = 5000;

/** Fails if anything of the engine with `FOLDER/data` is left; removes it first. Its clients may take a moment to see that it has ended. */
export async function checkTraces(folder: string): Promise<void> {
  let left = engineTraces(folder);
  for (const until = Date.now() + CLIENTS_MS; wordsOf(left).length > 0 && Date.now() < until; left = engineTraces(folder)) await delay(50);
  sweep(left);
  const words = wordsOf(left);
  if (words.length > 0) throw new Error(`the engine left behind:\n${words.join('\n')}`);
}

/** Waits for a started container's end. */
export async function waitFor(client: Client, id: string): Promise<number> {
  return (await client.post(`/containers/${id}/wait`)).json.StatusCode;
}

/** A container of the base image. @returns its id */
export async function create(client: Client, config: Record<string, unknown> & { name?: string }): Promise<string> {
  const { name, ...rest } = config;
  const answer = await client.post(`/containers/create${name ? `?name=${name}` : ''}`, { Image: BASE, ...rest });
  if (answer.status !== 201) throw new Error(`create: ${answer.status} ${answer.text}`);
  return answer.json.Id;
}

/** Creates and starts. */
export async function launch(client: Client, config: Record<string, unknown> & { name?: string }): Promise<string> {
  const id = await create(client, config);
  const started = await client.post(`/containers/${id}/start`);
  if (started.status !== 204) throw new Error(`start: ${started.status} ${started.text}`);
  return id;
}
