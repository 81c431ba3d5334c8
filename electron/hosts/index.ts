export { type EngineLease, Hosts, type LocalEngine } from './hosts.ts';
export { Keychain, secretsFileSchema } from './keychain.ts';
export { hostsFileSchema } from './records.ts';
