import type { StartTransfer } from '../ipc/contract.ts';

/** The container `web` moves from host a to host b, and runs there. */
export const moveOfWeb: StartTransfer = {
  source: { kind: 'container', hostId: 'a', id: 'src', name: 'web' },
  to: 'b',
  move: true,
  start: true,
  pause: true,
  useVolumes: [],
  remove: true,
};
