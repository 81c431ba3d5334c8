import { existsSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Client } from '../helper/tests/client.ts';
import { startEngine, type TestEngine } from '../helper/tests/harness.ts';

/** What a small shop runs, for pictures. All of it is the starter image under other names. */
export async function furnish(engine: Client): Promise<void> {
  const importer = 'registry.example.org/data/nightly-import:2026-11';
  const { json: source } = await engine.post('/containers/create', { Image: 'gantry/starter' });
  for (const name of ['shop/web:1.4.2', 'shop/api:1.4.2', 'postgres:16.4', 'redis:7.4', importer]) {
    const at = name.lastIndexOf(':');
    const change = encodeURIComponent(`LABEL name=${name}`);
    const made = await engine.post(`/commit?container=${source.Id}&repo=${name.slice(0, at)}&tag=${name.slice(at + 1)}&changes=${change}`);
    if (made.status !== 201) throw new Error(`${name}: ${made.text}`);
  }
  await engine.delete(`/containers/${source.Id}`);
  const compose = (service: string) => ({ 'com.docker.compose.project': 'shop', 'com.docker.compose.service': service });
  await start(engine, 'shop-web-1', 'shop/web:1.4.2', webLog, { Labels: compose('web'), ports: { 80: 18080 } });
  await start(engine, 'shop-api-1', 'shop/api:1.4.2', 'echo ready; exec sleep 9999', {
    Labels: compose('api'),
    ports: { 3000: 13000 },
    Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 1e9 },
  });
  await start(engine, 'shop-db-1', 'postgres:16.4', 'exec sleep 9999', { Labels: compose('db'), ports: { 5432: 15432 } });
  await start(engine, 'cache', 'redis:7.4', 'exec sleep 9999', { ports: { 6379: 16379 } });
  await engine.post('/containers/cache/pause');
  await start(engine, 'nightly-import-of-all-product-catalogues-2026', importer, failingJob, { ends: true });
  await start(engine, 'backup', 'gantry/starter', 'echo "3 files, 12 MB"', { ends: true });
}

/** Lines as a web server writes them, coloured. */
const webLog = `
  i=0
  while [ $i -lt 400 ]; do
    i=$((i + 1))
    case $((i % 9)) in
      4) printf '\\033[33m404\\033[0m GET /favicon.ico \\033[90m1 ms\\033[0m\\n' ;;
      7) printf '\\033[31m500\\033[0m POST /api/orders \\033[90m%d ms\\033[0m: connection to db-1 refused, trying again in 2 s\\n' $((i * 7 % 90)) >&2 ;;
      *) printf '\\033[32m200\\033[0m GET /products/%d?lang=zh&name=绿茶 \\033[90m%d ms\\033[0m\\n' $((i * 37 % 211)) $((i * 13 % 48)) ;;
    esac
    usleep 2000
  done
  exec sleep 9999
`;

const failingJob = `
  echo 'reading catalogue 1 of 12'
  echo 'reading catalogue 2 of 12'
  echo 'catalogue 2: line 4711: price is not a number: "12,80 €"' >&2
  exit 3
`;

interface More {
  Labels?: Record<string, string>;
  Healthcheck?: object;
  /** Container port → host port. */
  ports?: Record<number, number>;
  /** It is waited for. */
  ends?: boolean;
}

async function start(engine: Client, name: string, image: string, script: string, { ports = {}, ends, ...more }: More): Promise<void> {
  const bindings = Object.entries(ports).map(([inside, outside]) => [`${inside}/tcp`, [{ HostPort: String(outside) }]] as const);
  const { json } = await engine.post(`/containers/create?name=${name}`, {
    Image: image,
    Cmd: ['sh', '-c', script],
    ExposedPorts: Object.fromEntries(bindings.map(([port]) => [port, {}])),
    HostConfig: { PortBindings: Object.fromEntries(bindings) },
    ...more,
  });
  const started = await engine.post(`/containers/${json.Id}/start`);
  if (started.status !== 204) throw new Error(`${name}: ${started.text}`);
  if (ends) await engine.post(`/containers/${json.Id}/wait`);
}

/** Another engine, at the end of a line that can be cut. */
export interface FarEngine {
  socket: string;
  engine: TestEngine;
  cut(): void;
  stop(): Promise<void>;
}

export async function startFarEngine(): Promise<FarEngine> {
  const engine = await startEngine();
  const socket = path.join(engine.folder, 'far.sock');
  const connections = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (near) => {
    const far = net.connect({ path: engine.socketPath, allowHalfOpen: true });
    for (const end of [near, far]) {
      connections.add(end);
      end.on('error', () => {});
      end.on('close', () => {
        connections.delete(end);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const cut = () => {
    server.close();
    if (existsSync(socket)) rmSync(socket);
    for (const connection of connections) connection.destroy();
  };
  return {
    socket,
    engine,
    cut,
    async stop() {
      cut();
      await engine.stop();
    },
  };
}
