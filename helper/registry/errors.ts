/**
 * What registries say when they refuse, in the words that dockerd passes on.
 * Source: OCI distribution specification, "Error Codes"
 */
import type { Readable } from 'node:stream';
import type { FailureKind } from '../engine/failure.ts';
import { Failure } from '../engine/failure.ts';

/** A refusal with the registry's own code. */
export class RegistryFailure extends Failure {
  readonly status: number;
  /** Such as MANIFEST_UNKNOWN; '' when the registry gave none. */
  readonly code: string;

  constructor(kind: FailureKind, message: string, status: number, code: string) {
    super(kind, message);
    this.status = status;
    this.code = code;
  }
}

/** Reads at most `limit` bytes of an answer and lets go of the rest. */
export async function readErrorBody(response: { body: Readable }, limit = 64 * 1024): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) break;
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString();
}

const KINDS: Record<number, FailureKind> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'notFound',
  429: 'unavailable',
  503: 'unavailable',
};
const DEFAULT_CODES: Record<number, string> = { 401: 'UNAUTHORIZED', 403: 'DENIED', 404: 'NOT_FOUND', 429: 'TOOMANYREQUESTS' };

/** The failure for an answer that is not a success. `what` names the request where the registry says nothing. */
export function registryError(status: number, body: string, what: string): RegistryFailure {
  const kind = KINDS[status] ?? 'system';
  let parsed: { errors?: { code?: unknown; message?: unknown }[]; details?: unknown; message?: unknown } | undefined;
  try {
    parsed = JSON.parse(body) as typeof parsed;
  } catch {
    parsed = undefined;
  }
  const first = Array.isArray(parsed?.errors) ? parsed.errors[0] : undefined;
  if (first) {
    const code = typeof first.code === 'string' ? first.code : '';
    const message = typeof first.message === 'string' && first.message !== '' ? first.message : 'unknown error';
    return new RegistryFailure(kind, code === '' ? message : `${words(code)}: ${message}`, status, code);
  }
  const code = DEFAULT_CODES[status] ?? '';
  const detail = typeof parsed?.details === 'string' ? parsed.details : typeof parsed?.message === 'string' ? parsed.message : undefined;
  if (detail) return new RegistryFailure(kind, code === '' ? detail : `${words(code)}: ${detail}`, status, code);
  if (status === 401) return new RegistryFailure(kind, 'unauthorized: authentication required', status, code);
  if (status === 403) return new RegistryFailure(kind, 'denied: requested access to the resource is denied', status, code);
  if (status === 429) return new RegistryFailure(kind, 'toomanyrequests: the registry allows no more requests for now', status, code);
  return new RegistryFailure(kind, `${what}: received unexpected HTTP status: ${status}`, status, code);
}

function words(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

/** A connection that failed, in Go's words, which users search for: `Get "https://…": dial tcp …: connect: connection refused`. */
export function connectionError(method: string, url: string, error: NodeJS.ErrnoException & { address?: string; port?: number }): Failure {
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  return new Failure('system', `${verb} ${JSON.stringify(url)}: ${reason(error)}`, { cause: error });
}

function reason(error: NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string }): string {
  const inner = (error as AggregateError).errors?.at(-1) as typeof error | undefined;
  if (inner) return reason(inner);
  const where = error.address?.includes(':') ? `[${error.address}]:${error.port}` : `${error.address}:${error.port}`;
  switch (error.code) {
    case 'ECONNREFUSED':
      return `dial tcp ${where}: connect: connection refused`;
    case 'EHOSTUNREACH':
      return `dial tcp ${where}: connect: no route to host`;
    case 'ENETUNREACH':
      return `dial tcp ${where}: connect: network is unreachable`;
    case 'ETIMEDOUT':
      return `dial tcp ${where}: i/o timeout`;
    case 'ENOTFOUND':
      return `dial tcp: lookup ${error.hostname}: no such host`;
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${error.hostname}: Temporary failure in name resolution`;
    case 'ECONNRESET':
      return 'EOF';
    case 'EPROTO':
      return error.message.includes('wrong version number') || error.message.includes('packet length too long')
        ? 'http: server gave HTTP response to HTTPS client'
        : `remote error: tls: ${error.message}`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_GET_ISSUER_CERT':
      return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
    case 'CERT_HAS_EXPIRED':
      return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `tls: failed to verify certificate: x509: ${error.message}`;
    default:
      return error.message;
  }
}
