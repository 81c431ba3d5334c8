import { EngineError, ProtocolError } from '../engine-client/index.ts';
import type { HostError } from '../ipc/contract.ts';

/** A reason why a host can't be reached, known exactly by whoever throws it. */
export class HostFailure extends Error {
  readonly error: HostError;
  /** True: trying again by itself would only ask or fail in the same way (a password prompt, a missing package). */
  readonly final: boolean;
  constructor(error: HostError, options: { final?: boolean; cause?: unknown } = {}) {
    super(error.message, { cause: options.cause });
    this.name = 'HostFailure';
    this.error = error;
    this.final = options.final ?? false;
  }
}

/** Says in words why a connection failed. `where` is the socket's path or the host's address. */
export function hostErrorOf(error: unknown, where: string): HostError {
  if (error instanceof HostFailure) return error.error;
  const detail = detailOf(error);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { code: 'socket-missing', message: `No engine is listening: ${where} does not exist`, detail };
    case 'EACCES':
    case 'EPERM':
      return { code: 'permission', message: `You may not use ${where}. Its owner, or a group that you join, may`, detail };
    case 'ECONNREFUSED':
      return { code: 'refused', message: `${where} is there, but no engine answers on it`, detail };
    case 'ETIMEDOUT':
      return { code: 'timeout', message: `${where} did not answer in time`, detail };
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return { code: 'closed', message: `The engine at ${where} closed the connection`, detail };
  }
  if (error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')) {
    return { code: 'timeout', message: `${where} did not answer in time`, detail };
  }
  if (error instanceof ProtocolError || error instanceof EngineError || (typeof code === 'string' && code.startsWith('HPE_'))) {
    return { code: 'protocol', message: `What answers on ${where} does not speak as an engine does`, detail };
  }
  return { code: 'unknown', message: `${where} can't be reached`, detail };
}

function detailOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
