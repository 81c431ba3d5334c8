import type { TunnelTrouble } from '../ipc/contract.ts';
import { ChannelRefused } from '../ssh/index.ts';

/** Why a tunnel leads nowhere. `message` says in English what the code's translated text says. */
export class TunnelFailure extends Error {
  readonly trouble: TunnelTrouble;
  constructor(code: TunnelTrouble['code'], message: string, options: { values?: Record<string, string>; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'TunnelFailure';
    this.trouble = { code, message, ...(options.values && { values: options.values }) };
  }
}

/** Says in words why a connection to `address:port` failed. Source of the reasons: RFC 4254, 5.1. */
export function dialFailure(error: unknown, { address, port }: { address: string; port: number }): TunnelFailure {
  if (error instanceof TunnelFailure) return error;
  const values = { address, port: String(port) };
  const told = (code: TunnelTrouble['code'], message: string) => new TunnelFailure(code, message, { values, cause: error });
  if (error instanceof ChannelRefused) {
    // sshd gives one reason for "nothing listens" and "no way there"; its words tell them apart.
    if (error.reason === 2 && !/no route|unreachable|timed out/i.test(error.message)) return refused();
    if (error.reason === 2) return unreachable();
    if (error.reason === 1) return told('forwarding', 'the sshd of this machine forwards no TCP connections');
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ECONNREFUSED') return refused();
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'ETIMEDOUT' || isTimeout(error)) return unreachable();
  return told('unknown', error instanceof Error ? error.message : String(error));

  function refused(): TunnelFailure {
    return told('refused', `nothing listens on ${address}:${port}`);
  }
  function unreachable(): TunnelFailure {
    return told('unreachable', `${address}:${port} does not answer`);
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}
