export { findRuntime } from './runtime.ts';
export type * from './types.ts';
