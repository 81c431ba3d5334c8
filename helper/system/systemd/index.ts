export { type PassedSocket, takePassedSockets } from './activation.ts';
export { createNotify, type Notify } from './notify.ts';
