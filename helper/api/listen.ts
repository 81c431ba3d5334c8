import { chownSync, promises as fs, mkdirSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import net from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { Failure, messageOf } from '../engine/failure.ts';

/** PEM texts. Without `ca`, clients need no certificate. */
export interface TlsSettings {
  ca?: string;
  cert: string;
  key: string;
}

/**
 * Where the API listens: a Unix socket (0660, owned by the user id `user`, else root, and by the group that is named, else `gantry`, else `docker`),
 * a socket that was passed on (systemd's activation), or TCP: with TLS, or in the clear on loopback only.
 */
export type Listener =
  | { kind: 'unix'; path: string; user?: number; group?: string }
  | { kind: 'fd'; fd: number }
  | { kind: 'tcp'; host: string; port: number; tls?: TlsSettings };

export interface Listening {
  /** Certificates that were renewed: for new connections. */
  setTls(settings: TlsSettings): void;
  close(connections: Set<Duplex>): Promise<void>;
}

/** A client that connects and says nothing holds a connection no longer than this. */
const HANDSHAKE_MS = 10_000;
const TLS_HANDSHAKE_RECORD = 22;

/** Connections go into the one HTTP server, whatever they came through. @throws Failure unavailable, invalidParameter */
export async function listen(http: HttpServer, listener: Listener, connections: Set<Duplex>): Promise<Listening> {
  const accept = (socket: net.Socket): void => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    http.emit('connection', socket);
  };
  const secure = listener.kind === 'tcp' && listener.tls ? createTls(listener.tls, accept) : undefined;
  if (listener.kind === 'tcp' && !secure && !isLoopback(listener.host)) {
    throw new Failure('invalidParameter', `listening on ${nameOf(listener)} needs TLS: whoever reaches this port is root on this machine`);
  }
  const server = net.createServer({ allowHalfOpen: true }, secure ? (socket) => sniff(socket, secure, connections) : accept);
  await open(server, listener);
  return {
    setTls: (settings) => secure?.setSecureContext(contextOf(settings)),
    close: (all) =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of all) socket.destroy();
      }),
  };
}

function isLoopback(host: string): boolean {
  return ['127.0.0.1', '::1', 'localhost'].includes(host) || /^127\./.test(host);
}

function contextOf({ ca, cert, key }: TlsSettings): tls.SecureContextOptions {
  return { ...(ca === undefined ? {} : { ca }), cert, key, minVersion: 'TLSv1.2' };
}

function createTls(settings: TlsSettings, accept: (socket: net.Socket) => void): tls.Server {
  const mutual = settings.ca !== undefined;
  try {
    return tls.createServer(
      {
        ...contextOf(settings),
        requestCert: mutual,
        rejectUnauthorized: mutual,
        handshakeTimeout: HANDSHAKE_MS,
        ALPNProtocols: ['http/1.1'],
        allowHalfOpen: true,
      },
      accept,
    );
  } catch (error) {
    throw new Failure('invalidParameter', `tlscert, tlskey, tlscacert: ${messageOf(error)}`, { cause: error });
  }
}

/** A client that forgot about TLS is told so in words that it can show, as Go's server does it. */
function sniff(socket: net.Socket, secure: tls.Server, connections: Set<Duplex>): void {
  connections.add(socket);
  socket.on('close', () => connections.delete(socket));
  socket.on('error', () => socket.destroy());
  socket.setTimeout(HANDSHAKE_MS, () => socket.destroy());
  socket.once('data', (first: Buffer) => {
    socket.pause();
    socket.setTimeout(0);
    socket.removeAllListeners('timeout');
    if (first[0] === TLS_HANDSHAKE_RECORD) {
      socket.unshift(first);
      secure.emit('connection', socket);
      return;
    }
    socket.end('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n', () => socket.destroy());
  });
}

async function open(server: net.Server, listener: Listener): Promise<void> {
  if (listener.kind === 'unix') await prepareSocket(listener.path);
  const gid = listener.kind === 'unix' ? await groupId(listener.group) : undefined;
  // The socket must not be open to all for an instant: made with its mode, not changed to it afterwards.
  const umask = process.umask(0o117);
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
  });
  try {
    if (listener.kind === 'unix') server.listen(listener.path);
    else if (listener.kind === 'fd') server.listen({ fd: listener.fd });
    else server.listen(listener.port, listener.host === 'localhost' ? '127.0.0.1' : listener.host);
  } finally {
    process.umask(umask);
  }
  try {
    await listening;
  } catch (error) {
    throw new Failure('unavailable', `hosts: failed to listen on ${nameOf(listener)}: ${messageOf(error)}`, { cause: error });
  }
  // -1 leaves what it is.
  if (listener.kind === 'unix' && (listener.user ?? gid) !== undefined) chownSync(listener.path, listener.user ?? -1, gid ?? -1);
}

function nameOf(listener: Listener): string {
  if (listener.kind === 'unix') return listener.path;
  if (listener.kind === 'fd') return `descriptor ${listener.fd}`;
  return `${listener.host.includes(':') ? `[${listener.host}]` : listener.host}:${listener.port}`;
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
  if (answered) throw new Failure('unavailable', `hosts: another engine is listening on ${file}`);
  await fs.rm(file, { force: true });
}

/** The group by name or number. @throws Failure invalidParameter when it was asked for and is not there */
async function groupId(wanted: string | undefined): Promise<number | undefined> {
  const text = await fs.readFile('/etc/group', 'utf8').catch(() => '');
  // Only root may give it away.
  const usual = process.geteuid?.() === 0 ? ['gantry', 'docker'] : [];
  for (const name of wanted === undefined ? usual : [wanted]) {
    const line = text.split('\n').find((entry) => entry.startsWith(`${name}:`));
    const gid = Number(line?.split(':')[2]);
    if (line && Number.isInteger(gid)) return gid;
  }
  if (wanted === undefined) return undefined;
  if (/^\d+$/.test(wanted)) return Number(wanted);
  throw new Failure('invalidParameter', `group: there is no group ${wanted}`);
}
