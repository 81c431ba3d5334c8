import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineClient } from '../engine-client/index.ts';
import { unixDialer } from '../hosts/dial-unix.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { moveOfWeb } from '../testing/transfer-request.ts';
import { nothingMade } from './carry.ts';
import type { TransferFailure } from './failure.ts';
import type { TransferRecord } from './records.ts';
import { recover } from './recover.ts';
import { PutBack } from './run.ts';

const ID = 'c'.repeat(64);
const made = { ...nothingMade(), volumes: [{ name: 'data', createdAt: 'then' }], networks: ['net-id'] };
const record: TransferRecord = {
  id: 'x0',
  request: moveOfWeb,
  fromName: 'a',
  toName: 'b',
  startedAt: 0,
  step: 'copy',
  known: { stopped: true, way: 'archive', image: 'sha256:1', made },
};
const carried = { id: ID, name: 'web', warnings: [], made: { ...made, containers: [ID] } };

let source: FakeEngine;
let target: FakeEngine;

beforeEach(async () => {
  [source, target] = await Promise.all([FakeEngine.create(), FakeEngine.create()]);
  for (const engine of [source, target]) answers(engine, 'GET /containers/json', []);
  container(source, 'src', { Running: false });
  for (const route of ['POST /containers/src/start', 'POST /gantry/v1/bin']) answers(source, route, {});
  for (const route of ['DELETE /volumes/data', 'DELETE /networks/net-id', `DELETE /containers/${ID}`, `POST /containers/${ID}/start`]) {
    answers(target, route, {});
  }
});
afterEach(() => Promise.all([source.dispose(), target.dispose()]));

const answers = (engine: FakeEngine, route: string, value: unknown) =>
  engine.routes.set(route, (_, response) => response.end(JSON.stringify(value)));

function container(engine: FakeEngine, name: string, state: Record<string, unknown>, image = 'sha256:1'): void {
  const Id = engine === source ? 'src' : ID;
  const Mounts = [{ Type: 'volume', Name: 'data' }];
  const shown = { Id, Name: '/web', Image: image, State: state, Mounts, HostConfig: {}, Config: {}, NetworkSettings: { Networks: {} } };
  for (const each of [name, Id]) answers(engine, `GET /containers/${each}/json`, shown);
}

async function end(change: Partial<TransferRecord>, { isThere = true } = {}) {
  const clients = [source, target].map((engine) => new EngineClient(unixDialer(engine.socketPath))) as [EngineClient, EngineClient];
  const found = { ...record, ...change };
  const work = {
    ...{ id: 'x0', request: found.request, from: clients[0], to: isThere ? clients[1] : undefined },
    ...{ signal: new AbortController().signal, step: async () => undefined, keep: async () => undefined },
    ...{ count: () => undefined, total: () => undefined },
  };
  try {
    return await recover(work, found).catch((error: unknown) => error as Error);
  } finally {
    for (const client of clients) client.close();
  }
}
const changes = (engine: FakeEngine) => engine.requests.filter((each) => !each.startsWith('GET'));
const codeOf = (ended: unknown) => ((ended instanceof PutBack ? ended.cause : ended) as TransferFailure).reason.code;

describe('a move in whose midst the app was killed', () => {
  it('before anything was done: nothing is done', async () => {
    expect(codeOf(await end({ step: 'look', known: { stopped: false, made: nothingMade() } }))).toBe('interrupted');
    expect([...changes(source), ...changes(target)]).toEqual([]);
  });

  it('while it copied: what it had made is taken away, and the original goes on', async () => {
    answers(target, 'GET /volumes/data', { Name: 'data', CreatedAt: 'then' });
    const ended = await end({});
    expect(ended).toBeInstanceOf(PutBack);
    expect(changes(target)).toEqual(['DELETE /volumes/data', 'DELETE /networks/net-id']);
    expect(changes(source)).toEqual(['POST /containers/src/start']);
  });

  it('leaves a volume of the same name alone that somebody made since', async () => {
    answers(target, 'GET /volumes/data', { Name: 'data', CreatedAt: 'later' });
    await end({});
    expect(changes(target)).toEqual(['DELETE /networks/net-id']);
  });

  it('whose target is away: the original goes on all the same', async () => {
    expect(await end({}, { isThere: false })).toBeInstanceOf(PutBack);
    expect(changes(source)).toEqual(['POST /containers/src/start']);
  });

  it('and that had come as a stream, unnoticed: it is started, and the original goes', async () => {
    container(target, 'web', { Status: 'created', Running: true, Health: { Status: 'healthy' } });
    expect(await end({ known: { ...record.known, way: 'stream' } })).toMatchObject({ id: ID, name: 'web' });
    expect(changes(target)).toEqual([`POST /containers/${ID}/start`]);
    expect(changes(source)).toEqual(['POST /gantry/v1/bin']);
  });

  for (const [what, state, image] of [
    ['runs', { Status: 'running', Running: true }, 'sha256:1'],
    ['is of another image', { Status: 'created' }, 'sha256:2'],
  ] as const) {
    it(`takes none for its own that ${what}`, async () => {
      container(target, 'web', state, image);
      expect(await end({ known: { ...record.known, way: 'stream' } })).toBeInstanceOf(PutBack);
      expect(changes(target)).toEqual([]);
    });
  }

  for (const step of ['start', 'remove'] as const) {
    it(`at the step ${step}: the original goes only when the new one runs`, async () => {
      container(target, ID, { Running: true, Health: { Status: 'healthy' } });
      expect(await end({ step, known: { ...record.known, carried } })).toMatchObject({ id: ID });
      expect(changes(source)).toEqual(['POST /gantry/v1/bin']);
    });

    it(`at the step ${step}: the new one fails, and the original is put back`, async () => {
      container(target, ID, { Running: false, ExitCode: 3 });
      expect(codeOf(await end({ step, known: { ...record.known, carried } }))).toBe('ended');
      expect(changes(source)).toEqual(['POST /containers/src/start']);
      expect(changes(target)).toContain(`DELETE /containers/${ID}?force=1&v=1`);
    });

    it(`at the step ${step}: the new one is gone, and the original is put back`, async () => {
      expect(codeOf(await end({ step, known: { ...record.known, carried } }))).toBe('interrupted');
      expect(changes(source)).toEqual(['POST /containers/src/start']);
    });
  }

  it('and of which the original runs again: both stay', async () => {
    container(source, 'src', { Running: true });
    container(target, ID, { Running: true });
    expect(codeOf(await end({ step: 'start', known: { ...record.known, carried } }))).toBe('runs-here');
    expect([...changes(source), ...changes(target)]).toEqual([]);
  });
});
