import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { EngineClient } from '../engine-client/index.ts';
import type { Transfer } from '../ipc/contract.ts';
import { JsonFile } from '../store/json-file.ts';
import { moveOfWeb } from '../testing/transfer-request.ts';
import { nothingMade } from './carry.ts';
import { type TransferRecord, transfersFileSchema } from './records.ts';
import { Transfers } from './transfers.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gantry-transfers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => path.join(folder, 'transfers.json');
const record: TransferRecord = {
  id: 'x00000001',
  request: moveOfWeb,
  fromName: 'here',
  toName: 'nas',
  startedAt: 0,
  step: 'copy',
  known: { stopped: true, made: nothingMade() },
};

/** Transfers that find this record, on hosts that never come. */
async function waiting(found: TransferRecord) {
  writeFileSync(file(), JSON.stringify({ version: 1, transfers: [found] }));
  const names = new Map([
    [found.request.source.hostId, 'here'],
    [found.request.to, 'nas'],
  ]);
  const leave = new Map<string, (why: Error) => void>();
  let last: Transfer[] = [];
  const transfers = new Transfers({
    file: new JsonFile(file(), transfersFileSchema),
    client: () => {
      throw new Error('not connected');
    },
    lease: () => {
      throw new Error('not connected');
    },
    whenConnected: (id, signal) =>
      new Promise<EngineClient>((_, reject) => {
        leave.set(id, reject);
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
    hostName: (id) => names.get(id) ?? '',
    onChange: (list) => {
      last = list;
    },
    log: () => {},
  });
  await transfers.load();
  expect(last).toMatchObject([{ step: 'wait', status: 'running' }]);
  const remove = (id: string) => {
    const name = names.get(id);
    names.delete(id);
    leave.get(id)?.(new Error(`${name} was removed from the list of hosts`));
  };
  const ends = () => vi.waitFor(() => expect(last[0]?.status).not.toBe('running')).then(() => last[0]);
  return { transfers, remove, ends };
}
const onDisk = () => JSON.parse(readFileSync(file(), 'utf8')).transfers;

it('what waits for a host that is removed ends, says why, and is not looked at again', async () => {
  const { remove, ends } = await waiting(record);
  remove(moveOfWeb.source.hostId);
  expect(await ends()).toMatchObject({
    status: 'failed',
    error: 'here was removed from the list of hosts',
    failure: { code: 'host-removed-stopped', values: { host: 'here', name: moveOfWeb.source.name } },
  });
  await vi.waitFor(() => expect(onDisk()).toEqual([]));
});

it('that has all arrived on a target which is removed does not wait for the source', async () => {
  const carried = { id: 'c', name: 'web', warnings: [], made: nothingMade() };
  const { remove, ends } = await waiting({ ...record, step: 'start', known: { ...record.known, carried } });
  remove(moveOfWeb.to);
  expect(await ends()).toMatchObject({ failure: { code: 'host-removed-stopped', values: { host: 'nas' } } });
});

it('a copy, of which nothing was stopped, says so in fewer words', async () => {
  const request = { ...moveOfWeb, move: false };
  const { remove, ends } = await waiting({ ...record, request, known: { stopped: false, made: nothingMade() } });
  remove(request.source.hostId);
  expect(await ends()).toMatchObject({ failure: { code: 'host-removed', values: { host: 'here' } } });
});

it('the end of the app breaks off nothing that only waits: the next start finds it', async () => {
  const { transfers } = await waiting(record);
  expect(await transfers.stop()).toEqual([]);
  expect(onDisk()).toMatchObject([{ id: record.id }]);
});
