import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { EngineClient, identify } from '../engine-client/index.ts';
import type { FoundEngine } from '../ipc/contract.ts';
import { unixDialer } from './dial-unix.ts';

/** Where engines listen by habit, the system's before the user's. */
export function usualSockets(env: NodeJS.ProcessEnv, home = homedir()): string[] {
  const runtime = env.XDG_RUNTIME_DIR;
  return [
    '/var/run/docker.sock',
    '/run/docker.sock',
    '/run/podman/podman.sock',
    ...(runtime ? [`${runtime}/docker.sock`, `${runtime}/podman/podman.sock`] : []),
    '/run/gantry/gantry.sock',
    `${home}/.docker/desktop/docker.sock`,
    ...(env.DOCKER_HOST?.startsWith('unix://') ? [env.DOCKER_HOST.slice('unix://'.length)] : []),
  ];
}

/**
 * Looks at the given sockets and asks each what it is.
 *
 * @param known paths that are in the list already; other names for the same socket are left out, too
 * @returns sockets that exist; unreachable ones (no permission, nobody listens) with `reachable: false`
 */
export async function detect(paths: string[], known: string[]): Promise<FoundEngine[]> {
  const seen = new Set<string>();
  for (const path of known) {
    const identity = await identityOf(path);
    if (identity) seen.add(identity);
  }
  const found: string[] = [];
  for (const path of paths) {
    const identity = await identityOf(path);
    if (!identity || seen.has(identity)) continue;
    seen.add(identity);
    found.push(path);
  }
  return Promise.all(found.map(ask));
}

/** Device and inode: /var/run is often a link to /run, and the same socket should be offered once. */
async function identityOf(path: string): Promise<string | undefined> {
  const entry = await stat(path).catch(() => undefined);
  return entry?.isSocket() ? `${entry.dev}:${entry.ino}` : undefined;
}

async function ask(socketPath: string): Promise<FoundEngine> {
  const client = new EngineClient(unixDialer(socketPath));
  try {
    const { product, version } = await identify(client, AbortSignal.timeout(3000));
    return { socketPath, product, version, reachable: true };
  } catch {
    return { socketPath, product: /podman/.test(socketPath) ? 'Podman' : 'unknown', version: '', reachable: false };
  } finally {
    client.close();
  }
}
