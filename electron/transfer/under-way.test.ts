import { expect, it } from 'vitest';
import type { Batch, InstallJob, Transfer, TransferSource } from '../ipc/contract.ts';
import { underWay } from './under-way.ts';

const source = (name: string): TransferSource => ({ kind: 'volume', hostId: 'a', id: name, name });
const transfer = (id: string, more: Partial<Transfer> = {}) =>
  ({ id, source: source(id), status: 'running', step: 'copy', toName: 'nas', move: false, ...more }) as Transfer;
const batch = (items: Batch['items']): Batch => ({ id: 'b1', to: 'b', toName: 'nas', move: true, items, cancelled: false });
const none = { transfers: [], batches: [], installs: [] };

it('single ones, and of a batch what has not arrived yet', () => {
  const transfers = [transfer('x1'), transfer('x2', { status: 'done' }), transfer('x3')];
  const items: Batch['items'] = [
    { source: source('done'), status: 'done', transfer: 'x2' },
    { source: source('now'), status: 'running', transfer: 'x3' },
    { source: source('next'), status: 'waiting' },
  ];
  expect(underWay({ ...none, transfers, batches: [batch(items)] })).toEqual([
    { kind: 'transfer', thing: 'volume', names: ['now', 'next'], to: 'nas', move: true },
    { kind: 'transfer', thing: 'volume', names: ['x1'], to: 'nas', move: false },
  ]);
});

it('not what waits for a host, nor a batch of which nothing is on its way', () => {
  const transfers = [transfer('x1', { step: 'wait' }), transfer('x2', { step: 'wait' })];
  const items: Batch['items'] = [
    { source: source('now'), status: 'running', transfer: 'x2' },
    { source: source('left'), status: 'left' },
  ];
  expect(underWay({ ...none, transfers, batches: [batch(items)] })).toEqual([]);
});

it('an engine that is being set up', () => {
  const job = { action: 'install', machine: 'ada@nas' } as InstallJob;
  expect(underWay({ ...none, installs: [job] })).toEqual([{ kind: 'install', action: 'install', machine: 'ada@nas' }]);
});
