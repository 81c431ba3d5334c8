export * from './libc.ts';
export * from './mounts.ts';
export { connectPackets, streamOf } from './packets.ts';
export { makePipe, reap, spawnApart } from './spawn.ts';
