import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { HostError } from '../ipc/contract.ts';
import { failure } from './failures.ts';

export interface Dialed {
  stream: Socket;
  /** `address:port` that answered. */
  address: string;
}

const CONNECT_MS = 10_000;
const ADDRESSES_LIMIT = 8;

/** All addresses of a name, in the system's order; of one family, unless that is 0. @throws HostFailure ssh-unknown-name */
export async function resolveName(name: string, family: 0 | 4 | 6 = 0): Promise<string[]> {
  if (isIP(name.replace(/%.*$/, '')) !== 0) return [name];
  try {
    const found = await lookup(name, { all: true, verbatim: true, family });
    return found.slice(0, ADDRESSES_LIMIT).map(({ address }) => address);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw failure('ssh-unknown-name', `The name ${name} is not known`, { values: { name }, detail, cause });
  }
}

/**
 * Connects to the first of the addresses that answers.
 *
 * @param from an address of this machine to connect from
 * @param refused the code for a port on which nobody listens: its text says who should
 * @throws HostFailure with the reason of the last
 */
export async function dialTcp(
  addresses: readonly string[],
  port: number,
  timeoutMs: number | undefined,
  signal: AbortSignal,
  { from, refused = 'ssh-refused' }: { from?: string | undefined; refused?: HostError['code'] } = {},
): Promise<Dialed> {
  let last: unknown;
  for (const address of addresses) {
    try {
      return { stream: await dialOne(address, port, from, timeoutMs ?? CONNECT_MS, signal), address: withPort(address, port) };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      last = error;
    }
  }
  throw reasonOf(last, addresses.map((address) => withPort(address, port)).join(', '), refused);
}

const withPort = (address: string, port: number) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

function dialOne(host: string, port: number, from: string | undefined, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = connect({ host, port, noDelay: true, ...(from !== undefined && { localAddress: from }) });
    const fail = (error: unknown) => {
      finish();
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })), timeoutMs);
    const abort = () => fail(signal.reason);
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.off('error', fail);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', fail);
    socket.once('connect', () => {
      finish();
      resolve(socket);
    });
  });
}

function reasonOf(error: unknown, address: string, refused: HostError['code']): Error {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  const more = { values: { address }, ...(message !== undefined && { detail: message }), cause: error };
  switch (code) {
    case 'ECONNREFUSED':
      return failure(refused, `${address} is there, but nothing listens on that port`, more);
    case 'ETIMEDOUT':
      return failure('ssh-timeout', `${address} does not answer`, { ...more, values: { machine: address } });
    default:
      return failure('ssh-unreachable', `There is no way to ${address}`, more);
  }
}

/** How long a program whose output has ended may take to say how it ends. */
const EXIT_MS = 1000;

/** ProxyCommand: the connection is a program's stdin and stdout. */
export function dialCommand(command: string): Duplex {
  const child = spawn('/bin/sh', ['-c', `exec ${command}`], { stdio: ['pipe', 'pipe', 'ignore'] });
  const stream = new ProcessStream(child.stdin, child.stdout, () => child.kill());
  // Its program may fail when the connection is over and nobody listens any more.
  stream.on('error', () => {});
  child.once('error', (error) => stream.destroy(error));
  child.once('exit', (code) => {
    if (code !== 0 && code !== null) stream.destroy(new Error(`${command} ended with code ${code}`));
  });
  child.stdout.once('end', () => {
    const exited = child.exitCode !== null || child.signalCode !== null;
    const timer = setTimeout(() => stream.over(), exited ? 0 : EXIT_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      stream.over();
    });
  });
  return stream;
}

class ProcessStream extends Duplex {
  readonly #input: NodeJS.WritableStream;
  readonly #output: NodeJS.ReadableStream;
  readonly #end: () => void;

  constructor(input: NodeJS.WritableStream, output: NodeJS.ReadableStream, end: () => void) {
    // A program that ends takes both directions along, as a socket does: ssh2 waits for that.
    super({ allowHalfOpen: false });
    this.#input = input;
    this.#output = output;
    this.#end = end;
    input.on('error', (error) => this.destroy(error));
    output.on('data', (chunk: Buffer) => {
      if (!this.destroyed && !this.push(chunk)) output.pause();
    });
  }

  /** Nothing comes any more. */
  over(): void {
    if (!this.destroyed && !this.readableEnded) this.push(null);
  }

  override _read(): void {
    this.#output.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#input.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#input.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#end();
    done(error);
  }
}
