export { Hosts, type LocalEngine } from './hosts.ts';
export { hostsFileSchema } from './records.ts';
