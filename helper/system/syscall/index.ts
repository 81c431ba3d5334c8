export * from './libc.ts';
export { connectPackets } from './packets.ts';
export { makePipe, reap, spawnApart } from './spawn.ts';
