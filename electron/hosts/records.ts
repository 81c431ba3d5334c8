import * as v from 'valibot';
import type { Host, HostColour, HostState, TcpSecurity } from '../ipc/contract.ts';
import { COLOURS, tcpSecurity } from '../ipc/schemas.ts';

/** A host as it is kept in hosts.json. `id` is also the host name in engine:// addresses: lower case, no digits only. */
export interface HostRecord {
  id: string;
  name: string;
  colour: HostColour;
  kind: 'local' | 'socket' | 'ssh' | 'tcp';
  /** socket, ssh. */
  socketPath?: string | undefined;
  /** ssh: as typed. tcp: `tcp://host:port`. No secret is ever here. */
  address?: string | undefined;
  /** tcp. */
  security?: TcpSecurity | undefined;
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
      kind: v.picklist(['local', 'socket', 'ssh', 'tcp']),
      socketPath: v.optional(v.string()),
      address: v.optional(v.string()),
      security: v.optional(tcpSecurity),
      readOnly: v.optional(v.boolean()),
      production: v.optional(v.boolean()),
    }),
  ),
});
export type HostsFile = v.InferOutput<typeof hostsFileSchema>;

/** A host as the window sees it. */
export function hostOf(
  { id, name, colour, kind, socketPath, address, security, readOnly, production }: HostRecord,
  state: HostState,
): Host {
  return {
    id,
    name,
    colour,
    kind,
    ...(socketPath !== undefined && { socketPath }),
    ...(address !== undefined && { address }),
    ...(security && { security }),
    ...(readOnly && { readOnly }),
    ...(production && { production }),
    state,
  };
}

export const LOCAL_ID = 'local';
export const firstHosts: HostsFile = { version: 1, hosts: [{ id: LOCAL_ID, name: 'local', colour: 'violet', kind: 'local' }] };
