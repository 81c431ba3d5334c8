import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { archive, rootfs } from '../helper/tests/base-image.ts';

/** A real docker-registry with a login, behind a line whose speed can be set. */
export interface Registry {
  /** What goes before an image's name: `127.0.0.1:PORT`. */
  address: string;
  username: string;
  password: string;
  /** Bytes a second and connection; Infinity at first. */
  speed(bytesPerSecond: number): void;
  /** Pushes an image with a web page and some large layers. @returns its reference */
  push(name: string, page: string): Promise<string>;
  stop(): Promise<void>;
}

const LARGE_LAYERS = 3;
const LARGE_BYTES = 3_000_000;

export async function startRegistry(): Promise<Registry> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gantry-registry-'));
  const username = 'mei';
  const password = 'bridge-and-harbour';
  mkdirSync(path.join(folder, 'store'));
  // docker-registry takes bcrypt only.
  writeFileSync(path.join(folder, 'users'), execFileSync('htpasswd', ['-Bbn', username, password]));
  const config = {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: path.join(folder, 'store') } },
    http: { addr: '127.0.0.1:0', relativeurls: true, secret: 'of these tests' },
    auth: { htpasswd: { realm: 'harbour', path: path.join(folder, 'users') } },
  };
  // JSON is YAML.
  writeFileSync(path.join(folder, 'config.yml'), JSON.stringify(config));
  // It ends with us, however we end.
  const command = ['--pdeathsig', 'TERM', 'docker-registry', 'serve', path.join(folder, 'config.yml')];
  const child = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
  const port = await listening(child);
  const line = await slowLine(port);
  const address = `127.0.0.1:${line.port}`;
  const headers = { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
  return {
    address,
    username,
    password,
    speed: line.speed,
    async push(name, page) {
      await push(`http://127.0.0.1:${port}`, headers, name, page);
      return `${address}/${name}`;
    },
    async stop() {
      line.close();
      const exited = once(child, 'exit');
      if (child.kill()) await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The port that it chose. */
async function listening(child: ChildProcess): Promise<number> {
  let log = '';
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', (text) => {
      log += text;
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
      if (port) resolve(Number(port));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`docker-registry ended with code ${code}:\n${log}`)));
  });
}

/** A port that leads to another one, downwards no faster than asked. */
async function slowLine(to: number) {
  let bytesPerSecond = Number.POSITIVE_INFINITY;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(to, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    void (async () => {
      for await (const chunk of upstream) {
        // In small pieces, so that a change of the speed is felt at once.
        for (let at = 0; at < chunk.length; at += 8192) {
          const piece = (chunk as Buffer).subarray(at, at + 8192);
          if (!client.write(piece)) await Promise.race([once(client, 'drain'), once(client, 'close')]);
          if (bytesPerSecond < Number.POSITIVE_INFINITY) await delay((1000 * piece.length) / bytesPerSecond);
        }
      }
      client.end();
    })().catch(() => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    speed(next: number) {
      bytesPerSecond = next;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const digestOf = (data: Buffer | string) => `sha256:${createHash('sha256').update(data).digest('hex')}`;

async function push(registry: string, headers: Record<string, string>, name: string, page: string): Promise<void> {
  const [repository, tag] = name.split(':');
  const tars = [
    await rootfs(),
    await archive([{ name: 'www/' }, { name: 'www/index.html', data: Buffer.from(page) }]),
    // Random: gzip makes nothing of it, so the layers are as large as they seem.
    ...(await Promise.all(
      Array.from({ length: LARGE_LAYERS }, (_, i) => archive([{ name: `large-${i}`, data: randomBytes(LARGE_BYTES) }])),
    )),
  ];
  const layers = tars.map((tar) => gzipSync(tar, { level: 1 }));
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created: '2026-01-02T03:04:05Z',
    config: { Env: ['PATH=/bin'], Cmd: ['httpd', '-f', '-p', '80', '-h', '/www'], ExposedPorts: { '80/tcp': {} } },
    rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
  });
  const descriptor = (mediaType: string, data: Buffer | string) => ({
    mediaType,
    digest: digestOf(data),
    size: Buffer.byteLength(data),
  });
  for (const blob of [...layers, config]) {
    const begun = await fetch(`${registry}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers });
    const place = new URL(begun.headers.get('location') ?? '', registry);
    place.searchParams.set('digest', digestOf(blob));
    const put = await fetch(place, { method: 'PUT', headers: { ...headers, 'Content-Type': 'application/octet-stream' }, body: blob });
    if (put.status !== 201) throw new Error(`the registry took no blob: ${put.status} ${await put.text()}`);
  }
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar+gzip', layer)),
  });
  const put = await fetch(`${registry}/v2/${repository}/manifests/${tag}`, {
    method: 'PUT',
    headers: { ...headers, 'Content-Type': mediaType },
    body: manifest,
  });
  if (put.status !== 201) throw new Error(`the registry took no manifest: ${put.status} ${await put.text()}`);
}
