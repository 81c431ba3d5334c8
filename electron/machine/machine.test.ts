import { hostname } from 'node:os';
import { Duplex, PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EngineClient } from '../engine-client/index.ts';
import { unixDialer } from '../hosts/dial-unix.ts';
import type { Host, MachineSample } from '../ipc/contract.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { FakePort } from '../testing/fake-port.ts';
import { perTest } from '../testing/per-test.ts';
import { hasSshd } from '../testing/sshd.ts';
import { parseReading, sampleOf } from './parse.ts';
import { readerOn } from './remote.ts';
import { watchMachine } from './watch.ts';

const TEXT = `cpu  1000 50 300 8000 200 10 20 30 0 0
load 0.42 0.61 1.55 2/834 41234
uptime 12345.67 23456.78
MemTotal:       16303428 kB
MemFree:         1024000 kB
MemAvailable:    8151714 kB
SwapTotal:       2097148 kB
SwapFree:        2097148 kB
disk Filesystem 1024-blocks Used Available Capacity Mounted on
disk /dev/vda1 41921540 20000000 21921540 48% /
disk //nas/my share 1000 500 500 50% /mnt/my share
disk /dev/vda1 41921540 20000000 21921540 48% /
`;

describe('what a machine says', () => {
  test('is taken apart', () => {
    expect(parseReading(TEXT)).toEqual({
      cpu: { busy: 1410, total: 9610 },
      load: [0.42, 0.61, 1.55],
      memory: { total: 16303428 * 1024, available: 8151714 * 1024 },
      swap: { total: 2097148 * 1024, free: 2097148 * 1024 },
      uptimeS: 12345.67,
      disks: [
        { path: '/', total: 41921540 * 1024, available: 21921540 * 1024 },
        { path: '/mnt/my share', total: 1000 * 1024, available: 500 * 1024 },
      ],
    });
  });

  test('an old kernel without MemAvailable, a small machine without swap', () => {
    const { memory, swap } = parseReading('MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 250 kB\nSwapTotal: 0 kB\n');
    expect(memory).toEqual({ total: 1000 * 1024, available: 400 * 1024 });
    expect(swap).toBeNull();
  });

  test('processors: what passed between two readings, never beyond its bounds', () => {
    const first = parseReading(TEXT);
    const at = (busy: number, total: number) => ({ ...first, cpu: { busy, total } });
    expect(sampleOf(first, undefined, 7)).toMatchObject({ at: 7, cpu: null });
    expect(sampleOf(at(1510, 10_010), first, 0).cpu).toBeCloseTo(0.25);
    expect(sampleOf(at(0, 10), first, 0).cpu).toBeNull();
    expect(sampleOf(at(1400, 9700), first, 0).cpu).toBe(0);
  });

  test('nonsense is passed over, whatever it is, and numbers stay numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...TEXT.split('\n')), fc.constant('cpu  1e9 -5 x'))), (lines) => {
        const reading = parseReading(lines.join('\n'));
        expect(reading.disks.length).toBeLessThanOrEqual(8);
        const numbers = JSON.stringify(sampleOf(reading, undefined, 0)).match(/NaN|Infinity/);
        expect(numbers).toBeNull();
      }),
    );
    const many = Array.from({ length: 500 }, (_, i) => `disk /dev/x 10 5 5 50% /m${i}`).join('\n');
    expect(parseReading(many).disks).toHaveLength(8);
    expect(parseReading(`disk /dev/x 10 5 5 50% /a\u001b[2J\ndisk /dev/x 10 5 5 50% /${'b'.repeat(5000)}`).disks).toEqual([]);
  });
});

describe('one command for many readings', () => {
  const duplexOf = (write: (line: string, out: PassThrough) => void) => {
    const out = new PassThrough();
    return Duplex.from({
      readable: out,
      writable: new PassThrough().on('data', (line) => write(String(line), out)),
    });
  };
  const never = new AbortController().signal;

  test('asks for each, and passes over a greeting; more than was asked for ends it', async () => {
    let asked = 0;
    const polite = readerOn(
      duplexOf((_, out) => {
        asked += 1;
        out.write(`Welcome!\ngantry-sample 1\n${TEXT}gantry-`);
        setImmediate(() => out.write('end\n'));
      }),
    );
    expect((await polite.read(never))?.load).toEqual([0.42, 0.61, 1.55]);
    expect((await polite.read(never))?.memory?.total).toBe(16303428 * 1024);
    expect(asked).toBe(2);
    polite.close();
    const rude = readerOn(duplexOf((_, out) => out.write('x'.repeat(100_000))));
    await expect(rude.read(never)).rejects.toThrow(/more than it was asked for/);
    await expect(rude.read(never)).rejects.toThrow(/more than it was asked for/);
  });

  test('nothing but an end; silence is given up', async () => {
    const empty = readerOn(duplexOf((_, out) => out.write('gantry-sample 1\nno such file\ngantry-end\n')));
    expect(await empty.read(never)).toBeUndefined();
    empty.close();
    const silent = readerOn(duplexOf(() => {}));
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('closed')), 20);
    await expect(silent.read(abort.signal)).rejects.toThrow('closed');
    silent.close();
  });
});

describe('watching', () => {
  const { sshd, signedIn } = perTest();
  let engine: FakeEngine;
  let client: EngineClient;
  let name: string;
  beforeEach(async () => {
    engine = await FakeEngine.create();
    client = new EngineClient(unixDialer(engine.socketPath));
    name = hostname();
    engine.routes.set('GET /info', (_, response) => response.end(JSON.stringify({ Name: name, DockerRootDir: '/tmp' })));
  });
  afterEach(async () => {
    client.close();
    await engine.dispose();
  });
  const host = (kind: Host['kind']): Host => ({ id: 'h1', name: 'x', colour: 'blue', kind, state: { status: 'connecting' } });
  const samples = (port: FakePort): MachineSample[] =>
    port.messages.flatMap((message) => (message.t === 'machine' ? [message.sample] : []));
  const full = (sample: MachineSample | undefined) => {
    expect(sample?.memory?.total).toBeGreaterThan(1e8);
    expect(sample?.cpu).toBeGreaterThanOrEqual(0);
    expect(sample?.cpu).toBeLessThanOrEqual(1);
    expect(sample?.uptimeS).toBeGreaterThan(0);
    expect(sample?.load).toHaveLength(3);
    expect(sample?.disks[0]).toMatchObject({ path: '/' });
  };

  test('this machine, until the view is closed; an engine elsewhere is said to be elsewhere', async () => {
    const port = new FakePort();
    const session = () => Promise.reject(new Error('not over SSH'));
    const watching = watchMachine({ host: host('local'), client: () => client, session, port, everyMs: 20 });
    await vi.waitFor(() => expect(samples(port).length).toBeGreaterThan(2));
    full(samples(port)[1]);
    port.disconnect();
    await watching;
    name = 'docker-desktop';
    const other = new FakePort();
    await watchMachine({ host: host('socket'), client: () => client, session, port: other });
    expect(other.messages).toEqual([{ t: 'no-machine', why: 'elsewhere' }]);
  });

  test.skipIf(!hasSshd)('a machine over SSH: one program there, which ends with the view; a cut', async () => {
    const server = await sshd();
    let session = await signedIn(server);
    const options = { host: host('ssh'), client: () => client, session: async () => session, everyMs: 20 };
    const port = new FakePort();
    const watching = watchMachine({ ...options, port });
    await vi.waitFor(() => expect(samples(port).length).toBeGreaterThan(3), { timeout: 5000 });
    full(samples(port)[2]);
    expect(session.processes).toBe(1);
    port.disconnect();
    await watching;
    await vi.waitFor(() => expect(session.processes).toBe(0));

    session = await signedIn(server);
    const cut = new FakePort();
    const watchingCut = watchMachine({ ...options, port: cut });
    await vi.waitFor(() => expect(samples(cut).length).toBeGreaterThan(0));
    server.signalSessions('SIGKILL');
    await watchingCut;
    expect(cut.messages.at(-1)).toEqual({ t: 'no-machine', why: 'lost' });
  });
});
