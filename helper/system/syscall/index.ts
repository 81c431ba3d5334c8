export * from './libc.ts';
export { connectPackets, streamOf } from './packets.ts';
export { makePipe, reap, spawnApart } from './spawn.ts';
