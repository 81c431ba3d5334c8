export { type Address, parseAddress } from './address.ts';
export type { Ask } from './auth.ts';
export { type Alias, aliasesOf, type ConfigFiles, readConfigFiles } from './config.ts';
export { connectSsh } from './connect.ts';
export { openEngine, type Way } from './engine-door.ts';
export { findEngines } from './engines.ts';
export { cancelled, failure } from './failures.ts';
export type { Secrets } from './secrets.ts';
export { ChannelRefused, type SshSession } from './session.ts';
