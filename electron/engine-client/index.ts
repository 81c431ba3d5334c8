export { type EngineAnswer, EngineClient, type Guard, type Hijacked } from './client.ts';
export type { Dialer } from './dialer.ts';
export { EngineError, ProtocolError } from './errors.ts';
export { identify } from './identify.ts';
export { jsonLines } from './json-lines.ts';
export { Stdcopy, type StdStream } from './stdcopy.ts';
