import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineClient } from '../engine-client/index.ts';
import { unixDialer } from '../hosts/dial-unix.ts';
import { type GuardedRequest, guard, type Marks } from '../hosts/guard.ts';
import type { StartTransfer } from '../ipc/contract.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { moveOfWeb } from '../testing/transfer-request.ts';
import type { TransferFailure } from './failure.ts';
import { PutBack, transfer } from './run.ts';

const ID = 'c'.repeat(64);
const PLAN = {
  Kind: 'container',
  Name: 'web',
  Container: {
    Id: 'src',
    Running: true,
    Paused: false,
    AutoRemove: false,
    Privileged: false,
    WritableBytes: 10,
    Binds: ['/srv'],
    Ports: [],
  },
  Volumes: [{ Name: 'data', Anonymous: false, Bytes: 5, Data: true, UsedBy: ['web'] }],
  Networks: ['shop'],
  Warnings: [],
};
let source: FakeEngine;
let target: FakeEngine;
let received: Buffer[];
let marksOf: (engine: FakeEngine) => Marks;
/** What the target shows of the container that came. */
let came: { State: Record<string, unknown>; Mounts: { Type: string; Source: string }[]; HostConfig: Record<string, unknown> };

beforeEach(async () => {
  [source, target] = await Promise.all([FakeEngine.create(), FakeEngine.create()]);
  received = [];
  marksOf = () => ({});
  came = { State: { Running: true, Health: { Status: 'healthy' } }, Mounts: [{ Type: 'bind', Source: '/srv' }], HostConfig: {} };
  const json = (engine: FakeEngine, route: string, value: () => unknown) =>
    engine.routes.set(route, (_, response) => response.end(JSON.stringify(value())));
  const done = (engine: FakeEngine, route: string) => engine.routes.set(route, (_, response) => response.writeHead(204).end());
  for (const engine of [source, target]) json(engine, 'GET /gantry/v1', () => ({ Features: ['copy', 'bin'] }));
  json(source, 'GET /gantry/v1/copy/plan', () => PLAN);
  json(target, 'POST /gantry/v1/copy/have', () => ({ Layers: [], Names: {}, Containers: [], Volumes: [], Networks: [] }));
  source.routes.set('POST /gantry/v1/copy/send', (_, response) => response.end('the stream'));
  target.routes.set('POST /gantry/v1/copy/receive', (request, response) => {
    request.on('data', (chunk: Buffer) => received.push(chunk));
    request.on('end', () => {
      const aux = { Kind: 'container', Id: ID, Name: 'web', Warnings: ['a word'] };
      response.end(`{"status":"Copying volume","progressDetail":{"current":1}}\r\n${JSON.stringify({ status: 'Copied', aux })}\r\n`);
    });
  });
  json(target, `GET /containers/${ID}/json`, () => ({
    ...came,
    Id: ID,
    Name: '/web',
    Image: 'sha256:1',
    Config: {},
    NetworkSettings: { Networks: {} },
  }));
  for (const route of ['POST /containers/src/stop', 'POST /containers/src/start']) done(source, route);
  json(source, 'POST /gantry/v1/bin', () => ({ Id: 'b1' }));
  for (const route of [`POST /containers/${ID}/start`, `DELETE /containers/${ID}`, 'DELETE /volumes/data', 'DELETE /networks/shop']) {
    done(target, route);
  }
});
afterEach(() => Promise.all([source.dispose(), target.dispose()]));

/** As where both hosts have these marks. */
const marked = (engine: FakeEngine) => (sent: GuardedRequest) => guard(engine === source ? 'a' : 'b', marksOf(engine), sent);

async function run(request = moveOfWeb) {
  const clients = [source, target].map((engine) => new EngineClient(unixDialer(engine.socketPath), marked(engine))) as [
    EngineClient,
    EngineClient,
  ];
  const steps: string[] = [];
  try {
    const outcome = await transfer({
      from: clients[0],
      to: clients[1],
      request,
      signal: new AbortController().signal,
      id: 'x0',
      step: async (step) => void steps.push(step),
      keep: async () => undefined,
      count: () => undefined,
      total: () => undefined,
    });
    return { steps, outcome };
  } finally {
    for (const client of clients) client.close();
  }
}

const changes = (engine: FakeEngine) => engine.requests.filter((each) => !each.startsWith('GET') && !each.includes('/copy/'));
const failure = (request?: StartTransfer) =>
  run(request).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a move', () => {
  it('stops, copies, starts there, and only then removes the original', async () => {
    const { steps, outcome } = await run();
    expect(steps).toEqual(['look', 'stop', 'copy', 'start', 'remove']);
    expect(outcome).toEqual({ id: ID, name: 'web', warnings: ['a word'] });
    expect(Buffer.concat(received).toString()).toBe('the stream');
    expect(changes(source)).toEqual(['POST /containers/src/stop', 'POST /gantry/v1/bin']);
  });

  it('whose container is unhealthy there takes it away, with what came with it, and starts the original', async () => {
    came.State = { Running: true, Health: { Status: 'unhealthy' } };
    const error = await failure();
    expect(error).toBeInstanceOf(PutBack);
    expect((error as PutBack).problem).toBeUndefined();
    expect(((error as PutBack).cause as TransferFailure).reason.code).toBe('unhealthy');
    expect(changes(source)).toEqual(['POST /containers/src/stop', 'POST /containers/src/start']);
    expect(changes(target).slice(1)).toEqual([`DELETE /containers/${ID}?force=1&v=1`, 'DELETE /volumes/data', 'DELETE /networks/shop']);
  });

  it('takes what it made away on a production host, too, but deletes no original there', async () => {
    marksOf = () => ({ production: true });
    came.State = { Running: false, ExitCode: 3 };
    await failure();
    expect(changes(target)).toContain(`DELETE /containers/${ID}?force=1&v=1`);
    came.State = { Running: true, Health: { Status: 'healthy' } };
    expect((await run()).outcome.kept).toBe('a is marked as production: deleting there needs its name');
    expect(changes(source)).not.toContain('POST /gantry/v1/bin');
  });

  it('that breaks off starts the original, and says why', async () => {
    source.routes.set('POST /gantry/v1/copy/send', (_, response) => {
      response.write('half of');
      setTimeout(() => response.destroy(), 20);
    });
    const error = (await failure()) as PutBack;
    expect((error.cause as TransferFailure).reason.code).toBe('source-broke-off');
    expect(changes(source)).toEqual(['POST /containers/src/stop', 'POST /containers/src/start']);
  });

  it('of a container that is gone when it stops is refused before it is stopped', async () => {
    source.routes.set('GET /gantry/v1/copy/plan', (_, response) =>
      response.end(JSON.stringify({ ...PLAN, Container: { ...PLAN.Container, AutoRemove: true } })),
    );
    expect(((await failure()) as TransferFailure).reason.code).toBe('auto-remove');
    expect(changes(source)).toEqual([]);
  });

  it('of which the original can not be removed is done, and says so', async () => {
    source.routes.set('POST /gantry/v1/bin', (_, response) => response.writeHead(409).end('{"message":"in use"}'));
    expect((await run()).outcome.kept).toBe('in use');
  });
});

describe('a source that sends another container than it showed', () => {
  for (const [what, code] of [
    [{ Mounts: [{ Type: 'bind', Source: '/' }] }, 'other-bind'],
    [{ HostConfig: { Privileged: true } }, 'other-privileged'],
  ] as const) {
    it(`is found out before it starts: ${code}`, async () => {
      came = { ...came, ...structuredClone(what) } as typeof came;
      const error = (await failure({ ...moveOfWeb, move: false })) as TransferFailure;
      expect(error.reason.code).toBe(code);
      expect(changes(target)[0]).toBe(`DELETE /containers/${ID}?force=1&v=1`);
      expect(changes(target)).not.toContain(`POST /containers/${ID}/start`);
    });
  }
});

describe('a source that is marked as read-only', () => {
  const copy = { ...moveOfWeb, move: false, start: false, pause: false };
  const readOnlySource = (engine: FakeEngine): Marks => ({ readOnly: engine === source });

  it('is read without a pause, and nothing is changed there', async () => {
    marksOf = readOnlySource;
    expect((await run(copy)).outcome.id).toBe(ID);
    expect(changes(source)).toEqual([]);
  });

  it('is not read where that pauses it, nor left', async () => {
    marksOf = readOnlySource;
    for (const request of [
      { ...copy, pause: true },
      { ...copy, move: true },
    ])
      await expect(run(request)).rejects.toThrow(/read-only/);
    expect(source.requests.filter((each) => !each.startsWith('GET'))).toEqual([]);
  });
});
