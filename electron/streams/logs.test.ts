import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EngineClient } from '../engine-client/index.ts';
import { unixDialer } from '../hosts/dial-unix.ts';
import type { OpenLogs } from '../ipc/contract.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { FakePort } from '../testing/fake-port.ts';
import { LineQueue } from './line-queue.ts';
import { LogParser } from './log-parser.ts';
import { LogPosition } from './log-position.ts';
import { compareTimes, type LogTime, sinceParameter } from './log-time.ts';
import { readLogs } from './logs.ts';

const stampOf = (n: number) => `2026-01-01T00:00:00.${String(n).padStart(9, '0')}Z`;
function frame(stream: number, text: string): Buffer {
  const data = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

test('a log read in several cuts lacks nothing and repeats nothing, even where times are out of order', () => {
  const lines = fc.array(fc.record({ at: fc.nat({ max: 40 }), err: fc.boolean(), length: fc.nat({ max: 3 }) }), { maxLength: 60 });
  fc.assert(
    fc.property(lines, fc.array(fc.nat({ max: 60 }), { maxLength: 4 }), (jitter, cuts) => {
      // Times rise, but a line may be up to 40 ns older than the one before it.
      const log = jitter.map(({ at, err, length }, index) => ({ time: { seconds: 1, nanos: 100 + index * 10 - at }, err, length, index }));
      const position = new LogPosition();
      const got: number[] = [];
      let since: LogTime | undefined;
      for (const upTo of [...cuts.sort((a, b) => a - b), log.length]) {
        for (const line of log.slice(0, upTo)) {
          if (since && compareTimes(line.time, since) < 0) continue;
          if (position.accept(line.time, line.err, line.length)) got.push(line.index);
        }
        since = position.resume(true);
      }
      // Equal lines of one instant are interchangeable; the number of lines and of each kind is what counts.
      const key = (index: number) => JSON.stringify({ ...log[index], index: 0 });
      expect(got.map(key).sort()).toEqual(log.map(({ index }) => key(index)).sort());
    }),
  );
});

test('the position forgets old lines and still repeats nothing', () => {
  const position = new LogPosition();
  const time = (n: number): LogTime => ({ seconds: 0, nanos: n });
  for (let n = 0; n < 10_000; n += 1) expect(position.accept(time(n), false, 1)).toBe(true);
  const since = position.resume(true) as LogTime;
  expect(since.nanos).toBeGreaterThan(5000);
  const again = Array.from({ length: 10_010 - since.nanos }, (_, n) => since.nanos + n).filter((n) => position.accept(time(n), false, 1));
  expect(again).toEqual([10_000, 10_001, 10_002, 10_003, 10_004, 10_005, 10_006, 10_007, 10_008, 10_009]);
});

test('since is written in seconds with nine digits', () => {
  expect(sinceParameter({ seconds: 1700000000, nanos: 5 })).toBe('1700000000.000000005');
});

test('a multiplexed log cut anywhere: streams apart, characters whole, times read', () => {
  const bytes = Buffer.concat([
    frame(1, `${stampOf(1)} 你好\n`),
    frame(2, `${stampOf(2)} oh\n`),
    frame(1, `${stampOf(3)} \n`),
    frame(1, `${stampOf(4)} no end`),
  ]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const parser = new LogParser(false);
    const lines = [...parser.push(bytes.subarray(0, cut)), ...parser.push(bytes.subarray(cut)), ...parser.flush()];
    expect(lines.map(({ text, err }) => [text, err]).sort()).toEqual([
      ['', false],
      ['no end', false],
      ['oh', true],
      ['你好', false],
    ]);
    expect(lines[0]?.time).toEqual({ seconds: Date.UTC(2026, 0, 1) / 1000, nanos: 1 });
  }
});

test('a line that dockerd kept in parts has its time stamp once', () => {
  const long = 'x'.repeat(16_384);
  const parser = new LogParser(false);
  const lines = [frame(1, `${stampOf(1)} ${long}`), frame(1, `${stampOf(1)} tail\n`)].flatMap((chunk) => parser.push(chunk));
  expect(lines.map(({ text }) => text)).toEqual([`${long}tail`]);
});

test('lines wait for credit, batches are bounded, and what is said about them comes after them', async () => {
  const port = new FakePort();
  const queue = new LineQueue((message) => port.post(message));
  const line = { ms: 0, err: false, text: 'x' };
  for (let n = 0; n < 300; n += 1) queue.line(line, 1000);
  queue.control({ t: 'end', reason: 'eof' });
  expect(port.messages).toEqual([]);
  let room = false;
  const waiting = queue.room().then(() => {
    room = true;
  });
  queue.credit(100_500);
  expect(port.lines.length).toBe(100);
  expect(Math.max(...port.messages.map((message) => (message.t === 'lines' ? message.bytes : 0)))).toBeLessThanOrEqual(65_536);
  await Promise.resolve();
  expect(room).toBe(false);
  queue.credit(250_000);
  expect(port.lines.length).toBe(300);
  expect(port.messages.at(-1)).toEqual({ t: 'end', reason: 'eof' });
  await waiting;
});

let engine: FakeEngine;
let port: FakePort;
const request: OpenLogs = { hostId: 'h', containerId: 'c', tail: 'all', follow: true, timestamps: false };
let running = true;
beforeEach(async () => {
  engine = await FakeEngine.create();
  port = new FakePort();
  running = true;
  engine.routes.set('GET /containers/c/json', (_, response) =>
    response.end(JSON.stringify({ Id: 'c', Config: { Tty: false }, State: { Running: running, ExitCode: 0 } })),
  );
});
afterEach(async () => {
  port.disconnect();
  await engine.dispose();
});
function read(change: Partial<OpenLogs> = {}): void {
  const client = new EngineClient(unixDialer(engine.socketPath));
  void readLogs({ request: { ...request, ...change }, port, whenConnected: async () => client, retryMs: 10 });
  port.send({ t: 'credit', bytes: 1e6 });
}

test('an engine killed in the middle of a line: disconnected, resumed, every line once', async () => {
  let first = true;
  engine.routes.set('GET /containers/c/logs', (incoming, response) => {
    const since = new URL(incoming.url ?? '', 'http://x').searchParams.get('since');
    const all = [1, 2, 3, 4].map((n) => frame(1, `${stampOf(n)} line ${n}\n`));
    if (first) {
      first = false;
      expect(since).toBeNull();
      response.write(Buffer.concat([...all.slice(0, 2), (all[2] as Buffer).subarray(0, 40)]));
      void vi.waitFor(() => expect(port.lines.length).toBe(2)).then(() => response.destroy());
    } else {
      expect(since).toBe(null);
      response.write(Buffer.concat(all));
    }
  });
  read();
  await vi.waitFor(() => expect(port.lines.length).toBe(4));
  expect(port.lines.map(({ text }) => text)).toEqual(['line 1', 'line 2', 'line 3', 'line 4']);
  expect(port.messages.filter(({ t }) => t !== 'lines').map((message) => ('reason' in message ? message.reason : message.t))).toEqual([
    'disconnected',
    'resumed',
  ]);
});

test('an engine that ends politely while the container runs is asked again without a word', async () => {
  let count = 0;
  engine.routes.set('GET /containers/c/logs', (_, response) => {
    count += 1;
    response.end(frame(1, `${stampOf(1)} only\n`));
    if (count === 3) running = false;
  });
  read();
  await vi.waitFor(() => expect(port.messages.at(-1)).toEqual({ t: 'end', reason: 'eof' }));
  expect(port.lines.map(({ text }) => text)).toEqual(['only']);
});

test('what the engine refuses ends the log with its words', async () => {
  engine.routes.set('GET /containers/c/logs', (_, response) =>
    response.writeHead(501).end('{"message":"logging driver does not support reading"}'),
  );
  read();
  await vi.waitFor(() =>
    expect(port.messages).toEqual([{ t: 'end', reason: 'error', message: 'logging driver does not support reading' }]),
  );
});

test('a closed port closes the connection to the engine', async () => {
  engine.routes.set('GET /containers/c/logs', (_, response) => response.write(frame(1, `${stampOf(1)} a\n`)));
  read();
  await vi.waitFor(() => expect(port.lines.length).toBe(1));
  port.disconnect();
  await vi.waitFor(() => expect([...engine.sockets].length).toBeLessThanOrEqual(1)); // the pooled one stays
});

test('a reader without credit stops the engine: what waits in the app is bounded', async () => {
  let written = 0;
  engine.routes.set('GET /containers/c/logs', (_, response) => {
    const chunk = Buffer.concat(Array.from({ length: 500 }, (_value, n) => frame(1, `${stampOf(n)} ${'y'.repeat(100)}\n`)));
    const more = () => {
      while (written < 50e6) {
        written += chunk.length;
        if (!response.write(chunk)) break;
      }
      response.once('drain', more);
    };
    more();
  });
  const client = new EngineClient(unixDialer(engine.socketPath));
  void readLogs({ request, port, whenConnected: async () => client });
  let last = -1;
  await vi.waitFor(
    () => {
      const before = last;
      last = written;
      expect(written > 0 && written === before).toBe(true);
    },
    { interval: 100 },
  );
  expect(written).toBeLessThan(5e6);
  expect(port.lines).toEqual([]);
});
