import http from 'node:http';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
  /** The body as JSON; the last line of it for streams. */
  json: any;
}

export interface Ask {
  json?: unknown;
  body?: Buffer | string;
  headers?: Record<string, string>;
}

/** Requests to an engine's socket, as a client without any knowledge makes them. */
export class Client {
  readonly socketPath: string;
  /** `/v1.41`, or '' for what the engine takes as its newest. */
  readonly prefix: string;

  constructor(socketPath: string, prefix: string) {
    this.socketPath = socketPath;
    this.prefix = prefix;
  }

  async ask(method: string, target: string, { json, body, headers = {} }: Ask = {}): Promise<Answer> {
    const data = json === undefined ? body : JSON.stringify(json);
    const all: Record<string, string | number> = { ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers };
    if (data !== undefined) all['Content-Length'] = Buffer.byteLength(data);
    const answer = await this.open(method, target, all, data);
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    return { status: answer.statusCode ?? 0, headers: answer.headers, text, json: parse(text) };
  }

  get(target: string): Promise<Answer> {
    return this.ask('GET', target);
  }

  post(target: string, json?: unknown): Promise<Answer> {
    return this.ask('POST', target, json === undefined ? {} : { json });
  }

  delete(target: string): Promise<Answer> {
    return this.ask('DELETE', target);
  }

  /** The answer as soon as its headers are here. */
  open(
    method: string,
    target: string,
    headers: Record<string, string | number> = {},
    data?: Buffer | string,
  ): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const path = target.startsWith('//') ? target.slice(1) : `${this.prefix}${target}`;
      const request = http.request({ socketPath: this.socketPath, method, path, headers, agent: false }, resolve);
      request.on('error', reject);
      request.end(data);
    });
  }

  /** POST with an upgrade: the raw connection once the engine said 101. @throws with status and body when it did not */
  async hijack(target: string, json?: unknown, early = ''): Promise<Raw> {
    const body = json === undefined ? '' : JSON.stringify(json);
    const socket = net.connect({ path: this.socketPath, allowHalfOpen: true });
    socket.write(
      `POST ${this.prefix}${target} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}${early}`,
    );
    const raw = new Raw(socket);
    await raw.head();
    if (raw.status !== 101) {
      await raw.ended();
      throw new Error(`${raw.status}: ${raw.text()}`);
    }
    return raw;
  }
}

/** A hijacked connection that remembers what it has read. */
export class Raw {
  readonly socket: net.Socket;
  status = 0;
  headers = '';
  #data = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#data = Buffer.concat([this.#data, chunk]);
      this.#wake?.();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  async head(): Promise<void> {
    const at = await this.#when(() => this.#data.indexOf('\r\n\r\n'), 'the head of an answer');
    this.headers = this.#data.toString('latin1', 0, at);
    this.status = Number(this.headers.split(' ')[1]);
    this.#data = this.#data.subarray(at + 4);
  }

  /** Bytes so far, raw. */
  text(): string {
    return this.#data.toString();
  }

  /** Payloads so far of a multiplexed stream. */
  frames(): { stdout: string; stderr: string; all: string } {
    return demultiplex(this.#data);
  }

  /** Resolves when `text` has been seen. */
  async until(text: string): Promise<void> {
    await this.#when(() => this.#data.indexOf(text), JSON.stringify(text));
  }

  async ended(): Promise<void> {
    await this.#when(() => (this.#ended ? 0 : -1), 'the end of the stream');
  }

  write(text: string): void {
    this.socket.write(text);
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #when(found: () => number, what: string): Promise<number> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const at = found();
      if (at >= 0) return at;
      if (this.#ended) throw new Error(`the stream ended before ${what}; it said ${JSON.stringify(this.#data.toString())}`);
      const rest = deadline - Date.now();
      if (rest <= 0) throw new Error(`waited in vain for ${what}; there is ${JSON.stringify(this.#data.toString())}`);
      const timeout = new AbortController();
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), delay(rest, undefined, { signal: timeout.signal })]);
      timeout.abort();
    }
  }
}

/** The payloads of whole frames, by stream and in order. */
export function demultiplex(data: Buffer): { stdout: string; stderr: string; all: string } {
  const parts: [number, Buffer][] = [];
  for (let at = 0; at + 8 <= data.length; ) {
    const length = data.readUInt32BE(at + 4);
    parts.push([data[at] ?? 0, data.subarray(at + 8, at + 8 + length)]);
    at += 8 + length;
  }
  const of = (stream?: number): string =>
    Buffer.concat(parts.filter(([each]) => stream === undefined || each === stream).map(([, text]) => text)).toString();
  return { stdout: of(1), stderr: of(2), all: of() };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(text.trim().split('\n').at(-1) ?? '');
    } catch {
      return undefined;
    }
  }
}
