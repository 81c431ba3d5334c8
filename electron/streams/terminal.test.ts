import type { Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EngineClient } from '../engine-client/index.ts';
import { unixDialer } from '../hosts/dial-unix.ts';
import type { TerminalInfo } from '../ipc/contract.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { FakePort } from '../testing/fake-port.ts';
import { ByteQueue } from './byte-queue.ts';
import { Replay } from './replay.ts';
import { Terminals } from './terminals.ts';

test('a view gets all bytes in order and never more than it gave credit for', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.array(fc.integer({ min: 1, max: 50 })), (chunks, credits) => {
      let given = 0;
      const got: Uint8Array[] = [];
      const size = () => got.reduce((sum, part) => sum + part.length, 0);
      const queue = new ByteQueue((data) => {
        got.push(data);
        expect(size()).toBeLessThanOrEqual(given);
      });
      for (let i = 0; i < Math.max(chunks.length, credits.length); i += 1) {
        if (chunks[i]) queue.push(Buffer.from(chunks[i] as Uint8Array));
        if (credits[i]) {
          given += credits[i] as number;
          queue.credit(credits[i] as number);
        }
      }
      given += 1e6;
      queue.credit(1e6);
      expect(Buffer.concat(got)).toEqual(Buffer.concat(chunks));
    }),
  );
});

test('the replay keeps the newest output and begins at a line', () => {
  const replay = new Replay();
  for (let n = 0; n < 20_000; n += 1) replay.push(Buffer.from(`line ${n} 好好好好好好\r\n`));
  const text = replay.bytes().toString();
  expect(text.length).toBeLessThanOrEqual(256 * 1024);
  expect(text.startsWith('line ')).toBe(true);
  expect(text.endsWith('line 19999 好好好好好好\r\n')).toBe(true);
});

let engine: FakeEngine;
let terminals: Terminals;
let exitCode: number | null;
let commands: string[][];
let resizes: string[];
let shells: ((socket: Socket) => void)[];

beforeEach(async () => {
  engine = await FakeEngine.create();
  exitCode = 0;
  commands = [];
  resizes = [];
  shells = [];
  const client = new EngineClient(unixDialer(engine.socketPath));
  terminals = new Terminals({ client: () => client, shell: () => Promise.reject(new Error('no host')), onChange: () => {} });
  engine.routes.set('POST /containers/c/exec', (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      commands.push(JSON.parse(body).Cmd);
      response.writeHead(201).end('{"Id":"e"}');
    });
  });
  engine.routes.set('GET /exec/e/json', (_, response) => response.end(JSON.stringify({ Running: exitCode === null, ExitCode: exitCode })));
  engine.routes.set('POST /exec/e/resize', (request, response) => {
    resizes.push(request.url ?? '');
    response.end();
  });
  engine.onUpgrade = (_, socket) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    shells.shift()?.(socket);
  };
});
afterEach(() => engine.dispose());

function open(): TerminalInfo {
  return terminals.open({ hostId: 'h', containerId: 'c', containerName: 'web', mode: 'exec', cols: 80, rows: 24 });
}
function viewOf(id: string): FakePort {
  const port = new FakePort();
  terminals.view(id, port);
  port.send({ t: 'credit', bytes: 1e6 });
  return port;
}
const becomes = (id: string, state: Partial<TerminalInfo['state']>) =>
  vi.waitFor(() => expect(terminals.list().find((one) => one.id === id)?.state).toMatchObject(state), { interval: 5 });

test('echo, resize, exit code; a later view sees what was on the screen; reopen begins again in the same tab', async () => {
  shells.push((socket) => {
    socket.write('$ ');
    socket.on('data', (data) => (data.toString() === 'exit\r' ? socket.end() : socket.write(`<${data}>`)));
  });
  const { id } = open();
  const port = viewOf(id);
  await becomes(id, { status: 'open' });
  port.send({ t: 'data', data: new TextEncoder().encode('你好') });
  await vi.waitFor(() => expect(port.text).toBe('$ <你好>'));
  port.send({ t: 'resize', cols: 100, rows: 30 });
  await vi.waitFor(() => expect(resizes.at(-1)).toContain('h=30&w=100'));
  port.disconnect();
  const second = viewOf(id);
  await vi.waitFor(() => expect(second.text).toBe('$ <你好>'));
  exitCode = 7;
  second.send({ t: 'data', data: new TextEncoder().encode('exit\r') });
  await becomes(id, { status: 'ended', exitCode: 7 });
  expect(second.messages.at(-1)).toEqual({ t: 'state', state: { status: 'ended', exitCode: 7 } });
  shells.push((socket) => socket.write('again'));
  expect(terminals.reopen(id).state).toEqual({ status: 'starting' });
  await vi.waitFor(() => expect(second.text).toContain('again'));
});

test('without sh the other shells are tried in turn, and the error messages are wiped', async () => {
  exitCode = 127;
  shells.push((socket) => socket.end('OCI runtime exec failed: sh not found'));
  shells.push((socket) => {
    exitCode = null;
    socket.write('bash-5# ');
  });
  const { id } = open();
  await vi.waitFor(() => expect(commands.length).toBe(2));
  const port = viewOf(id);
  await vi.waitFor(() => expect(port.text).toBe('\x1bcbash-5# '));
  expect(commands[0]?.[0]).toBe('sh');
  expect(commands[1]).toEqual(['bash']);
});

test('what is typed before there is a shell waits for it, through all that are tried, and not for the next time', async () => {
  const types = (port: FakePort, text: string) => port.send({ t: 'data', data: new TextEncoder().encode(text) });
  exitCode = 127;
  shells.push((socket) => socket.end('sh not found'));
  shells.push((socket) => {
    exitCode = 3;
    socket.on('data', (data) => (data.toString().includes('exit') ? socket.end() : socket.write(`<${data}>`)));
  });
  const { id } = open();
  const port = viewOf(id);
  types(port, 'ec');
  types(port, 'ho\r');
  await vi.waitFor(() => expect(port.text).toContain('\x1bc<echo\r>'));
  types(port, 'exit');
  await becomes(id, { status: 'ended', exitCode: 3 });
  types(port, 'lost');
  shells.push((socket) => socket.on('data', (data) => socket.write(`[${data}]`)));
  terminals.reopen(id);
  types(port, 'kept');
  await vi.waitFor(() => expect(port.text).toContain('[kept]'));
});

test('no shell at all is said', async () => {
  exitCode = 127;
  for (let n = 0; n < 5; n += 1) shells.push((socket) => socket.end('not found'));
  const { id } = open();
  await becomes(id, { status: 'ended', exitCode: 127, reason: 'no-shell' });
});

test('a lost engine ends the terminal as disconnected', async () => {
  shells.push((socket) => socket.write('$ '));
  const { id } = open();
  await becomes(id, { status: 'open' });
  await engine.kill();
  await becomes(id, { status: 'ended', exitCode: null, reason: 'disconnected' });
});

test('a view that reads nothing makes the process wait, and one that leaves lets it go on', async () => {
  let written = 0;
  shells.push((socket) => {
    const more = () => {
      while (written < 20e6) {
        written += 65_536;
        if (!socket.write(Buffer.alloc(65_536, 97))) break;
      }
      if (written < 20e6) socket.once('drain', more);
    };
    more();
  });
  const { id } = open();
  const port = new FakePort();
  terminals.view(id, port);
  let last = -1;
  await vi.waitFor(
    () => {
      const before = last;
      last = written;
      expect(written > 0 && written === before).toBe(true);
    },
    { interval: 50 },
  );
  expect(written).toBeLessThan(4e6);
  port.disconnect();
  await vi.waitFor(() => expect(written).toBeGreaterThanOrEqual(20e6));
});
