import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Batch, StartTransfer, Transfer, TransferPlan, TransferSource } from '../ipc/contract.ts';
import { JsonFile } from '../store/json-file.ts';
import { Batches } from './batches.ts';
import { batchesFileSchema } from './records.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gantry-batches-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const thing = (name: string): TransferSource => ({ kind: 'container', hostId: 'a', id: name, name });
const plan: TransferPlan = { way: 'stream', volumes: [], networks: [], nameTaken: false, warnings: [] };
const how = { to: 'b', move: false, start: false, pause: true, remove: true };

/** Transfers that end when they are told to. */
class Carrier {
  readonly started: StartTransfer[] = [];
  readonly cancelled: string[] = [];
  readonly #ends = new Map<string, { promise: Promise<Partial<Transfer>>; resolve: (how: Partial<Transfer>) => void }>();
  plans: (source: TransferSource) => TransferPlan = () => plan;

  plan = async (source: TransferSource) => this.plans(source);
  start = (request: StartTransfer) => {
    this.started.push(request);
    return this.add(`x${this.started.length}`);
  };
  add(id: string): string {
    let resolve: (how: Partial<Transfer>) => void = () => {};
    const promise = new Promise<Partial<Transfer>>((done) => {
      resolve = done;
    });
    this.#ends.set(id, { promise, resolve });
    return id;
  }
  end(id: string, how: Partial<Transfer>): void {
    this.#ends.get(id)?.resolve(how);
  }
  whenEnded = async (id: string) => (await this.#ends.get(id)?.promise) as Transfer | undefined;
  cancel = (id: string) => {
    this.cancelled.push(id);
    this.end(id, { status: 'cancelled' });
  };
  forget = () => {};
}

function batchesOf(transfers: Carrier): { batches: Batches; now: () => string[] } {
  let last: Batch[] = [];
  const batches = new Batches({
    file: new JsonFile(path.join(folder, 'batches.json'), batchesFileSchema),
    transfers,
    hostName: () => 'nas',
    onChange: (list) => {
      last = list;
    },
    log: () => {},
  });
  return { batches, now: () => last[0]?.items.map(({ status }) => status) ?? [] };
}
const seen = (now: () => string[], ...states: string[]) => vi.waitFor(() => expect(now()).toEqual(states), { interval: 5 });

it('one after the other, each by what its host has by then; one that fails keeps none from going', async () => {
  const carrier = new Carrier();
  const { batches, now } = batchesOf(carrier);
  const shared = { name: 'shared', anonymous: false, bytes: 1, data: true, usedBy: [] };
  carrier.plans = ({ name }) => ({ ...plan, volumes: [{ ...shared, there: name !== 'web' }] });
  const id = batches.start({ ...how, sources: [thing('web'), thing('db'), thing('job')] });
  await seen(now, 'running', 'waiting', 'waiting');
  await vi.waitFor(() => expect(carrier.started).toHaveLength(1), { interval: 5 });
  carrier.end('x1', { status: 'failed', error: 'no space left' });
  await seen(now, 'failed', 'running', 'waiting');
  carrier.plans = () => {
    throw new Error('no such container: job');
  };
  carrier.end('x2', { status: 'done' });
  await seen(now, 'failed', 'done', 'failed');
  expect(carrier.started.map(({ useVolumes }) => useVolumes)).toEqual([[], ['shared']]);
  expect(batches.list()[0]?.items[2]?.why).toBe('no such container: job');

  carrier.plans = () => plan;
  batches.goOn(id);
  await vi.waitFor(() => expect(carrier.started).toHaveLength(3), { interval: 5 });
  carrier.end('x3', { status: 'done' });
  await vi.waitFor(() => expect(carrier.started).toHaveLength(4), { interval: 5 });
  carrier.end('x4', { status: 'done' });
  await seen(now, 'done', 'done', 'done');
  expect(carrier.started.map(({ source }) => source.name)).toEqual(['web', 'db', 'web', 'job']);
});

it('cancelled: what is on its way is given up, the rest is not begun', async () => {
  const carrier = new Carrier();
  const { batches, now } = batchesOf(carrier);
  const id = batches.start({ ...how, sources: [thing('web'), thing('db')] });
  await vi.waitFor(() => expect(carrier.started).toHaveLength(1), { interval: 5 });
  batches.cancel(id);
  await seen(now, 'left', 'left');
  expect(carrier.cancelled).toEqual(['x1']);
  batches.forget(id);
  expect(batches.list()).toEqual([]);
});

it('the app ends in its midst: the next start knows what was done, waits for what was on its way, and goes on when it is told to', async () => {
  const before = new Carrier();
  const first = batchesOf(before);
  first.batches.start({ ...how, sources: [thing('web'), thing('db'), thing('job')] });
  await vi.waitFor(() => expect(before.started).toHaveLength(1), { interval: 5 });
  before.end('x1', { status: 'done' });
  await vi.waitFor(() => expect(before.started).toHaveLength(2), { interval: 5 });
  await first.batches.stop();
  before.cancel('x2');

  const carrier = new Carrier();
  const { batches, now } = batchesOf(carrier);
  // As Transfers.load has it: it waits for its hosts.
  carrier.add('x2');
  await batches.load();
  await seen(now, 'done', 'running', 'left');
  carrier.end('x2', { status: 'failed', failure: { code: 'interrupted', values: {} } });
  await seen(now, 'done', 'left', 'left');
  const [batch] = batches.list();
  expect(batch).toMatchObject({ found: true, toName: 'nas' });
  batches.goOn(batch?.id ?? '');
  await vi.waitFor(() => expect(carrier.started.map(({ source }) => source.name)).toEqual(['db']), { interval: 5 });
  expect(batches.list()[0]).not.toHaveProperty('found');
});

it('single transfers that the end of the app broke off can be gone on with at the next start, under the name they were to have', async () => {
  const before = batchesOf(new Carrier());
  await before.batches.stop();
  const request: StartTransfer = { ...how, source: thing('web'), name: 'web-2', useVolumes: ['data'] };
  const known = { stopped: false, made: { containers: [], volumes: [], networks: [], images: [] } };
  await before.batches.keep([{ id: 'x1', request, fromName: 'here', toName: 'nas', startedAt: 0, step: 'copy', known }]);

  const carrier = new Carrier();
  const { batches, now } = batchesOf(carrier);
  await batches.load();
  await seen(now, 'left');
  const [batch] = batches.list();
  expect(batch).toMatchObject({ found: true, toName: 'nas', items: [{ source: thing('web') }] });
  batches.goOn(batch?.id ?? '');
  await vi.waitFor(() => expect(carrier.started).toMatchObject([{ source: thing('web'), name: 'web-2', to: 'b' }]), { interval: 5 });
});

it('what a batch carries is not kept a second time', async () => {
  const before = new Carrier();
  const { batches } = batchesOf(before);
  batches.start({ ...how, sources: [thing('web')] });
  await vi.waitFor(() => expect(before.started).toHaveLength(1), { interval: 5 });
  await batches.stop();
  const request: StartTransfer = { ...how, source: thing('web'), useVolumes: [] };
  const known = { stopped: false, made: { containers: [], volumes: [], networks: [], images: [] } };
  await batches.keep([{ id: 'x1', request, fromName: 'here', toName: 'nas', startedAt: 0, step: 'copy', known }]);
  const again = batchesOf(new Carrier());
  await again.batches.load();
  expect(again.batches.list()).toHaveLength(1);
});
