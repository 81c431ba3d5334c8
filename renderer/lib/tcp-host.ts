import type { Host } from '../../electron/ipc/contract.ts';

export const isTcpAddress = (typed: string) => /^tcp:\/\//i.test(typed.trim());

/** The name or IP address in `tcp://HOST:PORT`, without brackets. */
export function tcpHostOf(address: string): string {
  const [, bracketed, plain] = /^tcp:\/\/(?:\[([^\]]*)\]|([^:/]*))/i.exec(address.trim()) ?? [];
  return bracketed ?? plain ?? '';
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** Whether an address can only mean this very machine. The main process checks it again, by what the name stands for. */
export const isThisMachine = (address: string) => LOOPBACK.test(tcpHostOf(address));

/**
 * Where a port that a host's engine has published is reached from here by itself: `localhost`, or what stands in the host's address.
 *
 * @param ip the address that it is published on; none for all of them
 * @returns undefined where it takes a tunnel, or can't be reached at all
 */
export function reachOf({ kind, address = '' }: Host, ip: string | undefined): string | undefined {
  if (kind === 'local' || kind === 'socket') return 'localhost';
  if (kind === 'ssh') return undefined;
  const host = tcpHostOf(address);
  if (ip !== undefined && LOOPBACK.test(ip) && !LOOPBACK.test(host)) return undefined;
  return host.includes(':') ? `[${host}]` : host;
}

/** Over TCP there is the engine alone: nothing that could reach into its networks. */
export const hasTunnels = ({ kind }: Host) => kind !== 'tcp';
