import type net from 'node:net';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Failure } from '../engine/failure.ts';
import { frame, unframe } from './frame.ts';
import { type Parts, readAll, serve } from './test-engine.ts';

let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  close = undefined;
});

async function start(parts: Parts) {
  const server = await serve(parts);
  close = server.close;
  return server;
}

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';

/** A process like `cat`: says what it is told, then `bye` when its stdin ends. */
function cat(multiplexed = false) {
  const input = new PassThrough();
  const body = new PassThrough();
  input.on('data', (chunk) => body.write(chunk));
  input.on('end', () => body.end('bye'));
  return { multiplexed, input, body };
}

function until(socket: net.Socket, text: string): Promise<string> {
  return new Promise((resolve) => {
    let seen = '';
    const listen = (chunk: Buffer): void => {
      seen += chunk.toString('latin1');
      if (!seen.includes(text)) return;
      socket.off('data', listen);
      socket.pause();
      resolve(seen);
    };
    socket.on('data', listen);
    socket.resume();
  });
}

describe.each([
  [
    'with an upgrade',
    UPGRADE,
    'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
  ],
  ['without', '', 'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n'],
])('attach %s', (_name, headers, head) => {
  it('carries bytes both ways, and the end of input leaves output open', async () => {
    const { raw } = await start({ containers: { attach: async () => cat() } });
    const socket = raw(`POST /v1.47/containers/a/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    expect(await until(socket, '\r\n\r\n')).toBe(head);
    socket.write('hello');
    await until(socket, 'hello');
    socket.end();
    expect(await readAll(socket)).toBe('bye');
  });

  it('ends the input side only when the process is done, and takes what is sent after that', async () => {
    const session = { multiplexed: false, input: new PassThrough().resume(), body: new PassThrough() };
    const { raw } = await start({ containers: { attach: async () => session } });
    const socket = raw(`POST /v1.47/containers/a/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    await until(socket, '\r\n\r\n');
    session.body.end('done');
    expect(await readAll(socket)).toBe('done');
    socket.end('too late');
    await new Promise((resolve) => socket.on('close', resolve));
  });

  it('detaches when the client goes away', async () => {
    const session = { multiplexed: false, input: undefined, body: new PassThrough() };
    const { raw } = await start({ containers: { attach: async () => session } });
    const socket = raw(`POST /v1.47/containers/a/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    await until(socket, '\r\n\r\n');
    const closed = new Promise((resolve) => session.body.on('close', resolve));
    socket.destroy();
    // Half a close looks like a whole one until something is written.
    session.body.write('anyone?');
    setImmediate(() => session.body.write('no?'));
    await closed;
  });

  it('answers an error before the hijack with its status, in plain text as dockerd does', async () => {
    const { raw } = await start({ containers: { attach: () => Promise.reject(new Failure('notFound', 'No such container: a')) } });
    const socket = raw(`POST /v1.47/containers/a/attach HTTP/1.1\r\nHost: x\r\n${headers || 'Connection: close\r\n'}\r\n`);
    const text = await readAll(socket);
    expect(text).toBe('HTTP/1.1 404 Not Found\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nNo such container: a\r\n');
  });

  it('holds a producer back whose reader does not read', async () => {
    const body = new PassThrough({ highWaterMark: 16 * 1024 });
    const { raw } = await start({ containers: { attach: async () => ({ multiplexed: false, input: undefined, body }) } });
    const socket = raw(`POST /v1.47/containers/a/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    await until(socket, '\r\n\r\n');
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024);
    while (written < 64 * 1024 * 1024) {
      if (body.write(chunk)) written += chunk.length;
      else {
        written += chunk.length;
        const drained = await Promise.race([
          new Promise((resolve) => body.once('drain', () => resolve(true))),
          new Promise((resolve) => setTimeout(() => resolve(false), 300)),
        ]);
        if (!drained) break;
      }
    }
    expect(written).toBeLessThan(8 * 1024 * 1024);
    socket.destroy();
  });
});

describe('exec start', () => {
  const request = (body: string, headers = UPGRADE) =>
    `POST /v1.47/exec/e/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;

  it('keeps what was sent right behind the body', async () => {
    const { raw } = await start({ containers: { execs: { check() {}, start: async () => cat() } as never } });
    const socket = raw(`${request('{"Tty":true}')}early`);
    expect(await until(socket, 'early')).toContain('101 UPGRADED');
    socket.end();
    expect(await readAll(socket)).toBe('bye');
  });

  it('takes a chunked body, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 30 }), async (cuts) => {
        let seen: unknown;
        const startExec = async (_id: string, options: unknown) => {
          seen = options;
          return cat();
        };
        const { raw, close: stop } = await serve({ containers: { execs: { check() {}, start: startExec } as never } });
        const text = `POST /v1.47/exec/e/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n${UPGRADE}\r\n6\r\n{"Tty"\r\n6\r\n:true}\r\n0\r\n\r\nearly`;
        const socket = raw('');
        socket.setNoDelay();
        let at = 0;
        for (let i = 0; at < text.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          await new Promise((resolve) => socket.write(text.slice(at, at + size), resolve));
          at += size;
        }
        expect(await until(socket, 'early')).toContain('101 UPGRADED');
        expect(seen).toEqual({ detach: false, tty: true });
        socket.destroy();
        await stop();
      }),
      { numRuns: 10 },
    );
  });

  it('says which engine it is before the stream, as all answers do', async () => {
    const { raw } = await start({ containers: { execs: { check() {}, start: async () => cat() } as never } });
    expect(await until(raw(request('{"Tty":true}')), '\r\n\r\n')).toContain(
      '\r\nApi-Version: 1.50\r\nDocker-Experimental: false\r\nOstype: linux\r\nServer: Gantry/0.1.0 (linux)\r\n\r\n',
    );
  });

  it('has a type of its own for multiplexed streams from 1.42 on', async () => {
    const { raw } = await start({ containers: { execs: { check() {}, start: async () => cat(true) } as never } });
    expect(await until(raw(request('{}')), '\r\n\r\n')).toContain('Content-Type: application/vnd.docker.multiplexed-stream');
    expect(await until(raw(request('{}').replace('1.47', '1.41')), '\r\n\r\n')).toContain(
      'Content-Type: application/vnd.docker.raw-stream',
    );
  });

  it('tells in the stream that a command cannot be run, and by a status that the exec is unknown', async () => {
    const unknown: { failure?: Failure } = {};
    const check = (): void => {
      if (unknown.failure) throw unknown.failure;
    };
    const refuse = () => Promise.reject(new Failure('invalidParameter', 'executable file not found in $PATH'));
    const { raw } = await start({ containers: { execs: { check, start: refuse } as never } });
    expect(await readAll(raw(request('{"Tty":true}')))).toMatch(/101 UPGRADED[\s\S]*executable file not found in \$PATH\r\n$/);
    unknown.failure = new Failure('notFound', 'No such exec instance: e');
    expect(await readAll(raw(request('{}')))).toMatch(/^HTTP\/1.1 404 /);
  });

  it('has its head before the process is started', async () => {
    let go: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      go = resolve;
    });
    const startExec = async () => {
      await started;
      return cat();
    };
    const { raw } = await start({ containers: { execs: { check() {}, start: startExec } as never } });
    const socket = raw(request('{"Tty":true}'));
    expect(await until(socket, '\r\n\r\n')).toContain('101 UPGRADED');
    go();
    socket.end();
    expect(await readAll(socket)).toBe('bye');
  });

  it('lets go of a process whose client left while it was being started', async () => {
    const session = cat();
    let go: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      go = resolve;
    });
    const startExec = async () => {
      await started;
      return session;
    };
    const { raw } = await start({ containers: { execs: { check() {}, start: startExec } as never } });
    const socket = raw(request('{"Tty":true}'));
    await until(socket, '\r\n\r\n');
    const closed = new Promise((resolve) => session.body.on('close', resolve));
    socket.destroy();
    session.body.write('anyone?');
    go();
    setImmediate(() => session.body.write('no?'));
    await closed;
  });

  it('detached answers when it was started', async () => {
    const { request: ask } = await start({ containers: { execs: { check() {}, start: async () => undefined } as never } });
    expect(await ask('POST', '/exec/e/start', { json: { Detach: true } })).toMatchObject({ status: 200, text: '' });
  });
});

it('unframe gives the payloads, wherever the frames are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 20 }), { maxLength: 10 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      async (texts, cuts) => {
        const all = Buffer.concat(texts.map((text, i) => frame(i % 2 ? 'stderr' : 'stdout', Buffer.from(text))));
        const stream = unframe();
        for (let at = 0, i = 0; at < all.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          stream.write(all.subarray(at, at + size));
          at += size;
        }
        stream.end();
        let seen = '';
        const chunks: Buffer[] = [];
        for await (const chunk of stream) chunks.push(chunk as Buffer);
        seen = Buffer.concat(chunks).toString();
        expect(seen).toBe(texts.join(''));
      },
    ),
  );
});
