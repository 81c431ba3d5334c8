import { chownSync, promises as fs, mkdirSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import net from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { Failure, messageOf } from '../engine/failure.ts';

/**
 * Where the API listens: a Unix socket (0660, owned by the group `gantry`, else `docker`, where one exists),
 * a socket that was passed on (systemd's activation), or TCP: with mutual TLS, or in the clear on loopback only.
 */
export type Listener =
  | { kind: 'unix'; path: string; group?: string }
  | { kind: 'fd'; fd: number }
  | { kind: 'tcp'; host: string; port: number; tls?: { cert: string; key: string; ca: string } };

/** Connections go into the one HTTP server, whatever they came through. @throws Failure unavailable, invalidParameter */
export async function listen(
  http: HttpServer,
  listener: Listener,
  connections: Set<Duplex>,
): Promise<{ close(connections: Set<Duplex>): Promise<void> }> {
  const accept = (socket: net.Socket): void => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    http.emit('connection', socket);
  };
  const server = createListener(listener, accept);
  await open(server, listener);
  return {
    close: (all) =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of all) socket.destroy();
      }),
  };
}

function createListener(listener: Listener, accept: (socket: net.Socket) => void): net.Server {
  if (listener.kind === 'tcp' && listener.tls) {
    const options = {
      ...listener.tls,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2' as const,
      ALPNProtocols: ['http/1.1'],
    };
    return tls.createServer({ ...options, allowHalfOpen: true }, accept);
  }
  if (listener.kind === 'tcp' && !['127.0.0.1', '::1', 'localhost'].includes(listener.host)) {
    throw new Failure(
      'invalidParameter',
      `listening on ${listener.host}:${listener.port} needs TLS: whoever reaches this port is root on this machine`,
    );
  }
  return net.createServer({ allowHalfOpen: true }, accept);
}

async function open(server: net.Server, listener: Listener): Promise<void> {
  if (listener.kind === 'unix') await prepareSocket(listener.path);
  // The socket must not be open to all for an instant: made with its mode, not changed to it afterwards.
  const umask = process.umask(0o117);
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
  });
  try {
    if (listener.kind === 'unix') server.listen(listener.path);
    else if (listener.kind === 'fd') server.listen({ fd: listener.fd });
    else server.listen(listener.port, listener.host);
  } finally {
    process.umask(umask);
  }
  try {
    await listening;
  } catch (error) {
    throw new Failure('unavailable', `cannot listen on ${nameOf(listener)}: ${messageOf(error)}`, { cause: error });
  }
  if (listener.kind === 'unix') {
    const gid = await groupId(listener.group ? [listener.group] : ['gantry', 'docker']);
    if (gid !== undefined) chownSync(listener.path, process.getuid?.() ?? 0, gid);
  }
}

function nameOf(listener: Listener): string {
  return listener.kind === 'unix'
    ? listener.path
    : listener.kind === 'fd'
      ? `descriptor ${listener.fd}`
      : `${listener.host}:${listener.port}`;
}

/** A socket file that nobody answers on is left from a crash. */
async function prepareSocket(file: string): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true });
  const answered = await new Promise<boolean>((resolve) => {
    const probe = net.connect(file, () => resolve(true));
    probe.on('error', () => resolve(false));
    probe.on('close', () => resolve(false));
    probe.on('connect', () => probe.destroy());
  });
  if (answered) throw new Failure('unavailable', `another engine is listening on ${file}`);
  await fs.rm(file, { force: true });
}

async function groupId(names: string[]): Promise<number | undefined> {
  const text = await fs.readFile('/etc/group', 'utf8').catch(() => '');
  for (const name of names) {
    const line = text.split('\n').find((entry) => entry.startsWith(`${name}:`));
    const gid = Number(line?.split(':')[2]);
    if (line && Number.isInteger(gid)) return gid;
  }
  return undefined;
}
