export { createExecs, type ExecsParts } from './execs.ts';
export type { ExecHost, FindExecHost } from './types.ts';
