export type { Volumes } from './types.ts';
export { createVolumes } from './volumes.ts';
