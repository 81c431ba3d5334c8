import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from '../helper/tests/client.ts';
import { sweep, traces } from '../helper/tests/leftovers.ts';
import { answering } from '../helper/tests/process.ts';
import { starterImage } from '../scripts/starter-image.mjs';

export type PeerName = 'dockerd' | 'podman';

/** Somebody else's engine, with the starter image, on folders and in a network namespace of its own. */
export interface Peer {
  socket: string;
  engine: Client;
  stop(): Promise<void>;
}

export const isInstalled = (name: PeerName) => spawnSync(name, ['--version']).status === 0;

/**
 * runc (crun refuses hybrid cgroups; only our engine helps it), without the limits that Podman sets higher than what a machine
 * without CAP_SYS_RESOURCE may have.
 */
const runtimeWithoutLimits = `#!/bin/sh
before=
for argument; do
  case $before in
    -b | --bundle) sed -i 's/"rlimits":\\[[^]]*\\],\\?//' "$argument/config.json" ;;
    -p | --process) sed -i 's/"rlimits":\\[[^]]*\\],\\?//' "$argument" ;;
  esac
  before=$argument
done
exec runc "$@"
`;

const commands: Record<PeerName, (folder: string, socket: string) => string[]> = {
  dockerd: (folder, socket) => [
    ...['dockerd', '--data-root', `${folder}/data`, '--exec-root', `${folder}/run`, '--pidfile', `${folder}/pid`],
    ...['-H', `unix://${socket}`],
  ],
  podman: (folder, socket) => {
    writeFileSync(`${folder}/runtime`, runtimeWithoutLimits, { mode: 0o755 });
    return [
      ...['podman', '--root', `${folder}/data`, '--runroot', `${folder}/run`, '--tmpdir', `${folder}/tmp`],
      ...['--network-config-dir', `${folder}/networks`, '--cgroup-manager', 'cgroupfs', '--events-backend', 'file'],
      ...['--runtime', `${folder}/runtime`, 'system', 'service', '--time', '0', `unix://${socket}`],
    ];
  },
};

/**
 * @param tcp for dockerd: flags by which it listens on loopback; then it shares our network, touches nothing of it, and its containers
 *   have none
 */
export async function startPeer(name: PeerName, tcp: readonly string[] = []): Promise<Peer> {
  const folder = mkdtempSync(path.join(tmpdir(), `gantry-${name}-`));
  const socket = path.join(folder, 'engine.sock');
  const command = commands[name](folder, socket);
  // Its own network namespace: they rewrite iptables and claim their bridges. And it ends with us, however we end.
  const apart = ['unshare', '-n', 'sh', '-c', 'ip link set lo up; exec "$@"', 'sh', ...command];
  const harmless = ['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'];
  const inside = ['--pdeathsig', 'TERM', ...(tcp.length === 0 ? apart : [...command, ...harmless, ...tcp])];
  const child = spawn('setpriv', inside, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
  const engine = new Client(socket, '/v1.40');
  const peer: Peer = {
    socket,
    engine,
    async stop() {
      await removeContainers(engine);
      await end(child);
      sweep(traces(folder));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await answering(socket, child, () => log);
    const loaded = await engine.ask('POST', '/images/load?quiet=1', {
      body: readFileSync(await starterImage()),
      headers: { 'Content-Type': 'application/x-tar' },
    });
    if (loaded.status !== 200 || loaded.text.includes('"error"')) throw new Error(`${name} did not load the starter image: ${loaded.text}`);
  } catch (error) {
    await peer.stop();
    throw error;
  }
  return peer;
}

async function removeContainers(engine: Client): Promise<void> {
  const list = await engine.get('/containers/json?all=1').catch(() => undefined);
  const containers: { Id: string }[] = Array.isArray(list?.json) ? list.json : [];
  await Promise.all(containers.map(({ Id }) => engine.delete(`/containers/${Id}?force=1&v=1`)));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
