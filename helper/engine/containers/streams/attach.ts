import { type Duplex, PassThrough, Writable } from 'node:stream';
import type { Session } from '../types.ts';
import { DetachFilter, parseDetachKeys } from './detach-keys.ts';
import { frame, STDERR, STDOUT } from './frames.ts';

export interface SessionOptions {
  tty: boolean;
  /** Bytes as they are, rather than in frames; undefined: for a terminal. */
  raw?: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  detachKeys?: string | undefined;
  signal: AbortSignal;
  /** The output ends only when this settles too: a client asks for the exit code as soon as the stream is over. */
  endAfter?: Promise<unknown>;
  /** Whether the process has ended. */
  ended: () => boolean;
}

/** conmon's first byte of each packet. */
const CONMON_STDOUT = 2;
/** A client that reads nothing keeps conmon from telling an exit, and so a container from stopping: it gets this long. */
const STALL_CHECK_MS = 1_000;
const STALLED_CHECKS = 3;
/** conmon takes at most this much in one packet. */
const PACKET_BYTES = 8192;

/**
 * A client's session with a process, over conmon's attach socket: packets become frames (or raw bytes for a TTY),
 * the client's bytes become packets. Nothing is held: a client that does not read stops the socket.
 */
export function openSession(socket: Duplex, options: SessionOptions): Session {
  const detach = new DetachFilter(parseDetachKeys(options.detachKeys));
  const raw = options.raw ?? options.tty;
  const body = new PassThrough({ highWaterMark: 256 * 1024 });
  const endNow = (): void => {
    if (!body.writableEnded) body.end();
  };
  const end = (): void => {
    if (options.endAfter) void options.endAfter.then(endNow, endNow);
    else endNow();
  };
  socket.on('data', (packet: Buffer) => {
    const stream = packet[0] === CONMON_STDOUT ? STDOUT : STDERR;
    if (stream === STDOUT ? !options.stdout : !options.stderr) return;
    const payload = packet.subarray(1);
    if (payload.length === 0 || body.writableEnded) return;
    if (!body.write(raw ? payload : frame(stream, payload))) {
      socket.pause();
      const stopWatching = cutWhenStalled(body, options.ended);
      body.once('drain', () => {
        stopWatching();
        socket.resume();
      });
    }
  });
  // A monitor that is done may reset the connection instead of closing it: what it had sent has arrived.
  socket.on('error', end);
  socket.on('end', end);
  socket.on('close', end);
  body.once('close', () => socket.destroy());
  const abort = (): void => void body.destroy();
  options.signal.addEventListener('abort', abort, { once: true });
  body.once('close', () => options.signal.removeEventListener('abort', abort));
  if (options.signal.aborted) abort();

  if (!options.stdin) return { multiplexed: !raw, body, input: undefined };
  const input = new Writable({
    highWaterMark: 64 * 1024,
    write(chunk: Buffer, _, done) {
      const { data, detach: leave } = options.tty || options.detachKeys ? detach.feed(chunk) : { data: chunk, detach: false };
      const finish = (): void => {
        if (leave) endNow();
        done();
      };
      if (socket.destroyed || data.length === 0) finish();
      else writePackets(socket, data, finish);
    },
    final(done) {
      // Half close: conmon closes the process's stdin when its end of the session sends no more.
      if (!socket.destroyed && !body.writableEnded) socket.end(() => done());
      else done();
    },
  });
  input.on('error', () => undefined);
  return { multiplexed: !raw, body, input };
}

/** Ends the session when its process has ended and the client takes nothing of what is left. */
function cutWhenStalled(body: PassThrough, ended: () => boolean): () => void {
  let before = -1;
  let checks = 0;
  const timer = setInterval(() => {
    const waiting = body.readableLength + body.writableLength;
    checks = waiting === before && ended() ? checks + 1 : 0;
    before = waiting;
    if (checks >= STALLED_CHECKS) body.destroy();
  }, STALL_CHECK_MS);
  timer.unref();
  const stop = (): void => clearInterval(timer);
  body.once('close', stop);
  return stop;
}

function writePackets(socket: Duplex, data: Buffer, done: () => void): void {
  let at = 0;
  const next = (): void => {
    while (at < data.length) {
      const packet = data.subarray(at, at + PACKET_BYTES);
      at += packet.length;
      if (!socket.write(packet) && at < data.length) {
        const resume = (): void => {
          socket.off('drain', resume).off('close', resume);
          if (socket.destroyed) done();
          else next();
        };
        socket.on('drain', resume).on('close', resume);
        return;
      }
    }
    done();
  };
  next();
}
