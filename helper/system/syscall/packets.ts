import { closeSync, constants, openSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { connectSeqpacket, duplicate, receiveNow } from './libc.ts';

interface PipeHandle {
  open(fd: number): number;
}
interface PipeBinding {
  Pipe: new (kind: number) => PipeHandle;
}

/** conmon reads at most 32,768 bytes of a packet; the rest of a longer one would be lost. */
const PACKET_LIMIT_BYTES = 8192;

/**
 * A connection to a SOCK_SEQPACKET Unix socket as a Duplex: each chunk read is one packet (object mode), each write one packet
 * or, if it is longer than PACKET_LIMIT_BYTES, several. Node's own `net.connect` knows only SOCK_STREAM.
 */
export function connectPackets(socketPath: string): Duplex {
  // By way of the folder's descriptor, since a socket's address holds 107 bytes and a container's folder may be longer.
  const folder = openSync(path.dirname(socketPath), constants.O_RDONLY | constants.O_DIRECTORY);
  let fd: number;
  try {
    fd = connectSeqpacket(`/proc/self/fd/${folder}/${path.basename(socketPath)}`);
  } finally {
    closeSync(folder);
  }
  const socket = streamOf(fd, `socket ${socketPath}`);
  return new PacketStream(socket, duplicate(fd));
}

/** What the event loop reads from a descriptor, which it closes in the end; closed at once when it can't. `what` is for the words of that. */
export function streamOf(fd: number, what: string): net.Socket {
  const { Pipe } = (process as unknown as { binding(name: 'pipe_wrap'): PipeBinding }).binding('pipe_wrap');
  const handle = new Pipe(0);
  const failed = handle.open(fd);
  if (failed) {
    closeSync(fd);
    throw new Error(`can't read ${what}: error ${failed}`);
  }
  return new net.Socket({ handle, allowHalfOpen: true } as unknown as net.SocketConstructorOpts);
}

/**
 * What libuv gets wrong of packets, since it takes them for a byte stream:
 * - It believes the queue to be empty after a read that did not fill its buffer, so a hang-up reported together with that read
 *   ends the stream, while more packets wait. They are taken from a second descriptor then.
 * - It joins writes that wait into one: so the next is handed over only when the one before is out.
 */
class PacketStream extends Duplex {
  readonly #socket: net.Socket;
  #rest: number | undefined;

  constructor(socket: net.Socket, rest: number) {
    super({ readableObjectMode: true, readableHighWaterMark: 8, writableHighWaterMark: 64 * 1024, allowHalfOpen: true });
    this.#socket = socket;
    this.#rest = rest;
    socket.on('data', (packet: Buffer) => {
      if (!this.push(packet)) socket.pause();
    });
    const end = (): void => this.#end();
    // A peer that is done may reset the connection instead of closing it: what it had sent can be read all the same.
    socket.on('end', end).on('error', end).on('close', end);
    socket.pause();
  }

  /** At most what a socket's buffer holds (some 200 kB) is left. */
  #end(): void {
    if (this.#rest === undefined) return;
    for (let packet = receiveNow(this.#rest); packet; packet = receiveNow(this.#rest)) this.push(packet);
    this.#closeRest();
    this.push(null);
  }

  #closeRest(): void {
    if (this.#rest !== undefined) closeSync(this.#rest);
    this.#rest = undefined;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    let from = 0;
    const next = (): void => {
      // Nothing is written of an empty chunk: a packet of no bytes would mean the end. A peer that left reads no more.
      if (from >= bytes.length || this.#socket.destroyed || this.#socket.writableEnded) {
        done();
        return;
      }
      const part = bytes.subarray(from, from + PACKET_LIMIT_BYTES);
      from += part.length;
      this.#socket.write(part, () => next());
    };
    next();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) done();
    else this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#closeRest();
    this.#socket.destroy();
    done(error);
  }
}
