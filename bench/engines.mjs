/** The engines that are compared: how each is started on folders and a socket of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/lib/paths.mjs';
import { which } from '../scripts/lib/run.mjs';
import { Api } from './api.mjs';
import { answering, mountRunFolder, start } from './processes.mjs';

const kinds = {
  gantry: {
    installed: () => true,
    command: ({ folder, socket }) => [
      process.execPath,
      [
        join(root, 'dist', 'gantryd.js'),
        '--socket',
        socket,
        '--data',
        join(folder, 'data'),
        '--run',
        join(folder, 'run'),
        '--log-level',
        'warn',
      ],
    ],
  },
  dockerd: {
    installed: () => which('dockerd') !== undefined,
    command: ({ folder, socket }) => [
      which('dockerd'),
      [
        '--data-root',
        join(folder, 'data'),
        '--exec-root',
        join(folder, 'run'),
        '--pidfile',
        join(folder, 'pid'),
        '-H',
        `unix://${socket}`,
        '--log-level',
        'warn',
      ],
    ],
  },
  podman: {
    installed: () => which('podman') !== undefined,
    command: ({ folder, socket }) => [
      which('podman'),
      [
        ...['--root', join(folder, 'data'), '--runroot', join(folder, 'run'), '--tmpdir', join(folder, 'tmp')],
        ...['--network-config-dir', join(folder, 'networks'), '--cgroup-manager', 'cgroupfs', '--events-backend', 'file'],
        ...['--storage-driver', 'overlay', '--log-level', 'warn', 'system', 'service', '--time', '0', `unix://${socket}`],
      ],
    ],
    env: ({ folder, registry }) => {
      const path = join(folder, 'registries.conf');
      writeFileSync(path, `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`);
      return { CONTAINERS_REGISTRIES_CONF: path };
    },
    // Podman gives fixed limits, higher than ours may be, and lowers its own: without CAP_SYS_RESOURCE its containers could not start.
    hostConfig: () => ({ Ulimits: ['nofile', 'nproc'].map((Name) => ({ Name, Soft: 4096, Hard: 4096 })) }),
  },
};

export const engineNames = Object.keys(kinds);
export const isInstalled = (name) => kinds[name].installed();

/**
 * Starts an engine.
 *
 * @param name      gantry, dockerd or podman
 * @param folder    where everything of it goes; made if need be
 * @param registry  host:port of a registry that speaks plain HTTP
 * @returns { name, folder, api, startMs, stop }: startMs is the time from its start to its first answer
 */
export async function startEngine(name, folder, registry = '127.0.0.1:1') {
  const kind = kinds[name];
  mkdirSync(folder, { recursive: true });
  mountRunFolder(join(folder, 'run'));
  const socket = join(folder, 'engine.sock');
  const [command, args] = kind.command({ folder, socket });
  const env = kind.env?.({ folder, registry }) ?? {};
  const begin = performance.now();
  const process_ = start(command, args, { log: join(folder, 'log'), env, cwd: folder });
  const api = new Api(socket, kind.hostConfig?.());
  try {
    await Promise.race([
      answering({ socketPath: socket }, '/_ping'),
      process_.ended.then(() => Promise.reject(new Error(`${name} ended at once; see ${join(folder, 'log')}`))),
    ]);
  } catch (error) {
    await process_.stop();
    throw error;
  }
  const startMs = performance.now() - begin;
  const stop = async () => {
    api.close();
    await process_.stop();
  };
  return { name, folder, api, startMs, stop };
}
