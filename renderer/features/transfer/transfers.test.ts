import { describe, expect, it } from 'vitest';
import { requestOf } from '../../../electron/ipc/contract/transfer-request.ts';
import type { TransferPlan, TransferSource } from '../../../electron/ipc/contract.ts';
import { bytesOfAll, bytesToTravel, mayLeave } from './transfers.ts';

const source: TransferSource = { kind: 'container', hostId: 'a', id: 'abc', name: 'web' };
const volume = (name: string, more: Partial<TransferPlan['volumes'][number]> = {}) => ({
  name,
  anonymous: false,
  bytes: 100,
  data: true,
  usedBy: [],
  there: false,
  ...more,
});
const plan: TransferPlan = {
  way: 'stream',
  image: { id: 'sha256:1', names: ['web:1'], there: false, bytes: 1000, thereBytes: 400, takesNames: [] },
  container: { running: true, autoRemove: false, privileged: false, writableBytes: 50, binds: [], ports: [] },
  volumes: [volume('a'), volume('b', { there: true }), volume('nfs', { data: false })],
  networks: [],
  nameTaken: false,
  warnings: [],
};
const choices = { move: false, name: 'web', start: false, pause: true, remove: true };

describe('a transfer', () => {
  it('says what will travel: what is missing, what was written, volumes that are not there', () => {
    expect(bytesToTravel(plan)).toEqual({ bytes: 750, exact: true });
    expect(bytesToTravel({ ...plan, way: 'archive', volumes: [volume('a', { bytes: -1 })] })).toEqual({ bytes: 650, exact: false });
  });

  it('of a running container ends with a running one when it is moved', () => {
    expect(requestOf(source, 'b', plan, choices)).toMatchObject({ start: false, move: false, useVolumes: ['b'] });
    expect(requestOf(source, 'b', plan, { ...choices, move: true })).toMatchObject({ start: true, move: true, remove: true });
    const stopped = { ...plan, container: { ...plan.container, running: false } } as TransferPlan;
    expect(requestOf(source, 'b', stopped, { ...choices, move: true }).start).toBe(false);
  });

  it('names what is to have another name there', () => {
    expect(requestOf(source, 'b', plan, choices)).not.toHaveProperty('name');
    expect(requestOf(source, 'b', plan, { ...choices, name: ' web-2 ' }).name).toBe('web-2');
  });

  it('leaves a read-only host as a copy by stream, or as an image; never as a move', () => {
    expect(mayLeave(source, plan, choices)).toBe(true);
    expect(mayLeave(source, { ...plan, way: 'archive' }, choices)).toBe(false);
    expect(mayLeave({ ...source, kind: 'image' }, { ...plan, way: 'archive' }, choices)).toBe(true);
    expect(mayLeave(source, plan, { ...choices, move: true })).toBe(false);
  });

  it('of several things brings what they share once', () => {
    const other = { ...plan, volumes: [volume('a'), volume('c')] };
    const parts = [
      { source, plan },
      { source: { ...source, id: 'def', name: 'db' }, plan: other },
    ];
    // Layers that are missing, twice what was written, volumes a and c.
    expect(bytesOfAll(parts)).toBe(600 + 2 * 50 + 100 + 100);
    // A volume of the same name on another host is another one.
    expect(
      bytesOfAll([
        { source, plan },
        { source: { ...source, hostId: 'b' }, plan: other },
      ]),
    ).toBe(600 + 2 * 50 + 100 + 200);
  });
});
