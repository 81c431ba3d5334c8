export type { HostAddress } from './hosts.ts';
export { type File, type Flag, KEYS, type Key } from './keys.ts';
export { check, mergeFlags, readConfigFile, withoutEffect } from './read.ts';
export { DEFAULT_SOCKET, resolveConfig, type Settings } from './resolve.ts';
