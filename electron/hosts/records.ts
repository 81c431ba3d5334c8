import * as v from 'valibot';
import type { HostColour } from '../ipc/contract.ts';
import { COLOURS } from '../ipc/schemas.ts';

/** A host as it is kept in hosts.json. `id` is also the host name in engine:// addresses: lower case, no digits only. */
export interface HostRecord {
  id: string;
  name: string;
  colour: HostColour;
  kind: 'local' | 'socket' | 'ssh';
  /** socket, ssh. */
  socketPath?: string | undefined;
  /** ssh: as typed. No secret is ever here. */
  address?: string | undefined;
  readOnly?: boolean | undefined;
  production?: boolean | undefined;
}

export const hostsFileSchema = v.object({
  version: v.literal(1),
  hosts: v.array(
    v.object({
      id: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,40}$/)),
      name: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
      colour: v.picklist(COLOURS),
      kind: v.picklist(['local', 'socket', 'ssh']),
      socketPath: v.optional(v.string()),
      address: v.optional(v.string()),
      readOnly: v.optional(v.boolean()),
      production: v.optional(v.boolean()),
    }),
  ),
});
export type HostsFile = v.InferOutput<typeof hostsFileSchema>;

export const LOCAL_ID = 'local';
export const firstHosts: HostsFile = { version: 1, hosts: [{ id: LOCAL_ID, name: 'local', colour: 'violet', kind: 'local' }] };
