import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import net from 'node:net';
import { connectTcp, inNamespaceAt, openListener } from '../../../system/netns/index.ts';

const TIMEOUT_MS = 3_000;
const PORT = 53;

/** A name server, and the network namespace to ask it from: that of `namespace` (a path), else the host's. */
export interface Upstream {
  address: string;
  namespace: string | undefined;
}

/**
 * Asks name servers in turn.
 * Every question goes out from a socket of its own with a random id, so that answers are hard to forge.
 *
 * @param query the question as it came
 * @returns the first answer, with the question's id; undefined when none came in time
 */
export async function forward(query: Buffer, servers: Upstream[], overTcp: boolean, signal: AbortSignal): Promise<Buffer | undefined> {
  for (const server of servers.slice(0, 3)) {
    if (signal.aborted) return undefined;
    const asked = Buffer.from(query);
    asked.writeUInt16BE(randomInt(65536), 0);
    // Undefined, too, when the container and its namespace are gone meanwhile.
    const answer = await (overTcp ? askTcp(asked, server, signal) : askUdp(asked, server, signal)).catch(() => undefined);
    if (!answer) continue;
    const back = Buffer.from(answer);
    query.copy(back, 0, 0, 2);
    // SERVFAIL and REFUSED: the next one may know more.
    const code = back.readUInt8(3) & 15;
    if ((code === 2 || code === 5) && server !== servers.at(-1)) continue;
    return back;
  }
  return undefined;
}

async function askUdp(query: Buffer, { address, namespace }: Upstream, signal: AbortSignal): Promise<Buffer | undefined> {
  const v6 = address.includes(':');
  const fd = namespace && inNamespaceAt(namespace, () => openListener('udp', v6 ? '::' : '0.0.0.0', 0));
  return await new Promise((resolve) => {
    const socket = dgram.createSocket(v6 ? 'udp6' : 'udp4');
    const done = (answer?: Buffer): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      try {
        socket.close();
      } catch {
        // Closed already.
      }
      resolve(answer);
    };
    const abort = (): void => done();
    const timer = setTimeout(done, TIMEOUT_MS);
    signal.addEventListener('abort', abort);
    socket.on('error', () => done());
    socket.on('message', (message) => {
      if (message.length >= 12 && message.readUInt16BE(0) === query.readUInt16BE(0)) done(message);
    });
    if (typeof fd === 'number') socket.bind({ fd });
    socket.connect(PORT, address, () => socket.send(query, (error) => error && done()));
  });
}

async function askTcp(query: Buffer, { address, namespace }: Upstream, signal: AbortSignal): Promise<Buffer | undefined> {
  const fd = namespace && inNamespaceAt(namespace, () => connectTcp(address, PORT));
  return await new Promise((resolve) => {
    // A socket that is on its way already says nothing when it is there: what is written waits.
    const socket = typeof fd === 'number' ? new net.Socket({ fd, signal }) : net.connect({ host: address, port: PORT, signal });
    let received = Buffer.alloc(0);
    const done = (answer?: Buffer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(TIMEOUT_MS, () => done());
    socket.on('error', () => done());
    socket.on('close', () => resolve(undefined));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) done(received.subarray(2, 2 + received.readUInt16BE(0)));
    });
    socket.write(frame(query));
  });
}

/** A message over TCP has its length in two bytes before it. */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length, 0);
  return Buffer.concat([length, message]);
}
