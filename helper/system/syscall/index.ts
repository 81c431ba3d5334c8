export * from './libc.ts';
export { connectPackets } from './packets.ts';
