export { anonymousName } from './names.ts';
export { sizeOf } from './size.ts';
export type { Volumes } from './types.ts';
export { createVolumes } from './volumes.ts';
