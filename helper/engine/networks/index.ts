export { createNetworks } from './networks.ts';
export type { Networks, Sandbox, SandboxRequest } from './types.ts';
