/** A port of this machine's loopback that leads to a container's TCP port, published or not. */
export interface Tunnel {
  id: string;
  hostId: string;
  containerId: string;
  containerName: string;
  /** Of the container. */
  port: number;
  /** Of this machine: the same number if it was free. */
  localPort: number;
  state: 'open' | 'closed';
  /** It was open when its host was lost or the app ended: the user is asked whether it is to be opened again. */
  offered: boolean;
  /** Why the last connection through it came to nothing. */
  trouble?: TunnelTrouble;
}
/** `code` picks the translated text, which names `values`; `message` says it in English. */
export interface TunnelTrouble {
  code: 'gone' | 'not-running' | 'no-network' | 'refused' | 'unreachable' | 'forwarding' | 'host-away' | 'closed' | 'unknown';
  message: string;
  values?: Record<string, string>;
}
export interface OpenTunnel {
  hostId: string;
  containerId: string;
  containerName: string;
  port: number;
}
export type OpenedTunnel = { tunnel: Tunnel } | { trouble: TunnelTrouble };
