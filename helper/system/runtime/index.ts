export { findRuntime, processStartTime } from './runtime.ts';
export type * from './types.ts';
