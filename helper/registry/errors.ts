/**
 * What registries say when they refuse, in the words that dockerd passes on.
 * Source: OCI distribution specification, "Error Codes"
 */
import { STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';
import type { FailureKind } from '../engine/failure.ts';
import { Failure } from '../engine/failure.ts';
import { parseChallenges } from './challenges.ts';
import type { RegistryResponse } from './response.ts';

/** A refusal with the registry's own code. */
export class RegistryFailure extends Failure {
  readonly status: number;
  /** Such as MANIFEST_UNKNOWN; '' when the registry gave none. */
  readonly code: string;
  /** When the registry wants to be asked again; undefined when it does not say. */
  readonly retryAfterMs: number | undefined;
  /** The refusal alone, where the message names the request for which there was no authorization. */
  readonly bare: string | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    status: number,
    code: string,
    more: { retryAfterMs?: number | undefined; bare?: string } = {},
  ) {
    super(kind, message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = more.retryAfterMs;
    this.bare = more.bare;
  }

  /** Whether the same request may be answered at another time. */
  get passing(): boolean {
    return this.status === 429 || this.status === 408 || this.status >= 500;
  }
}

/** The registry could not be reached, or went away in the midst of an answer: another try may help, or another endpoint. */
export class ConnectionFailure extends Failure {
  constructor(message: string, cause?: unknown) {
    super('system', message, { cause });
  }
}

/** Reads an answer's body. @throws ConnectionFailure when it breaks off, Failure when it is larger than any that is meant well */
export async function readBody(body: Readable, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw new Failure('system', `the registry's answer is larger than ${limit} bytes`);
      parts.push(chunk);
    }
  } catch (error) {
    throw error instanceof Failure || (error as Error).name === 'AbortError' ? error : cutOff(error);
  }
  return Buffer.concat(parts);
}

/** An answer whose end never came, in Go's words. */
export function cutOff(error: unknown): ConnectionFailure {
  const silent = (error as NodeJS.ErrnoException).code === 'ESILENT';
  return new ConnectionFailure(silent ? 'net/http: timeout awaiting response' : 'unexpected EOF', error);
}

const ERROR_BYTES = 64 * 1024;

/** What came of an answer's body, at most so much; the status says enough when it breaks off. */
async function readErrorBody(body: Readable): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > ERROR_BYTES) break;
      parts.push(chunk);
    }
  } catch {
    // The connection broke.
  }
  return Buffer.concat(parts).toString();
}

/** As dockerd passes them on. What is out of order itself (5xx) is a failure like any other. */
const KINDS: Record<string, FailureKind> = {
  UNAUTHORIZED: 'unauthorized',
  DENIED: 'forbidden',
  NAME_UNKNOWN: 'notFound',
  MANIFEST_UNKNOWN: 'notFound',
  BLOB_UNKNOWN: 'notFound',
  BLOB_UPLOAD_UNKNOWN: 'notFound',
  NOT_FOUND: 'notFound',
  NAME_INVALID: 'invalidParameter',
  TAG_INVALID: 'invalidParameter',
  MANIFEST_INVALID: 'invalidParameter',
  DIGEST_INVALID: 'invalidParameter',
  SIZE_INVALID: 'invalidParameter',
  TOOMANYREQUESTS: 'tooManyRequests',
};
const DEFAULT_CODES: Record<number, string> = { 401: 'UNAUTHORIZED', 403: 'DENIED', 404: 'NOT_FOUND', 429: 'TOOMANYREQUESTS' };

/** Reads `Retry-After`, seconds or a date. @returns milliseconds from now; undefined when there is none */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** The failure for an answer that is not a success. `what` names the request where the registry says nothing. */
export async function registryError(response: RegistryResponse, what: string): Promise<RegistryFailure> {
  const { status, headers } = response;
  const body = await readErrorBody(response.body);
  const { message, code } = bearerRefusal(headers['www-authenticate']) ?? refusal(status, body, what);
  const wait = retryAfter(response.headers['retry-after']);
  const asked = status === 429 && wait ? `; the registry asks to try again in ${duration(wait)}` : '';
  const kind = status < 500 ? KINDS[code] : undefined;
  return new RegistryFailure(kind ?? 'system', `${message}${asked}`, status, code, { retryAfterMs: wait });
}

/**
 * What a challenge says of the token that came: Docker Hub answers so for repositories that are not there or not ours.
 * Source: RFC 6750, section 3
 */
function bearerRefusal(header: string | undefined): { message: string; code: string } | undefined {
  const bearer = parseChallenges(header ?? '').find(({ scheme }) => scheme === 'bearer');
  const { error = '', error_description: said } = bearer?.parameters ?? {};
  if (error === 'insufficient_scope') return { message: `denied: ${said || DENIED}`, code: 'DENIED' };
  if (error === 'invalid_token') return { message: `unauthorized: ${said || UNAUTHORIZED}`, code: 'UNAUTHORIZED' };
  return undefined;
}

const DENIED = 'requested access to the resource is denied';
const UNAUTHORIZED = 'authentication required';
/** A longer text is no sentence for the user, but a page. */
const SENTENCE = 500;

function refusal(status: number, body: string, what: string): { message: string; code: string } {
  let parsed: { errors?: (Record<string, unknown> | null)[]; details?: unknown; message?: unknown } | null | undefined;
  try {
    parsed = JSON.parse(body) as typeof parsed;
  } catch {
    parsed = undefined;
  }
  const first = Array.isArray(parsed?.errors) ? parsed.errors[0] : undefined;
  if (first) {
    // Some token servers write `Code`: Go's decoder, for which they were made, takes keys in any case.
    const fields = Object.fromEntries(Object.entries(first).map(([name, value]) => [name.toLowerCase(), value]));
    const code = typeof fields.code === 'string' ? fields.code : '';
    const said = typeof fields.message === 'string' ? fields.message : '';
    const message = [words(code), said].filter((part) => part !== '').join(': ');
    return { message: message || 'unknown error', code };
  }
  const code = DEFAULT_CODES[status] ?? '';
  const detail = typeof parsed?.details === 'string' ? parsed.details : typeof parsed?.message === 'string' ? parsed.message : undefined;
  if (detail) return { message: code === '' ? detail : `${words(code)}: ${detail}`, code };
  const text = body.trim();
  const said = parsed === undefined && text.length <= SENTENCE && !text.startsWith('<') ? text : '';
  if (status === 401) return { message: `unauthorized: ${said || UNAUTHORIZED}`, code };
  if (status === 403) return { message: `denied: ${said || DENIED}`, code };
  if (status === 429) return { message: `toomanyrequests: ${said || 'the registry allows no more requests for now'}`, code };
  return { message: `${what}: received unexpected HTTP status: ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd(), code };
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds} second${seconds === 1 ? '' : 's'}`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.ceil(seconds / 3600)} hours`;
}

function words(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

/** A connection that failed, in Go's words, which users search for: `Get "https://…": dial tcp …: connect: connection refused`. */
export function connectionError(method: string, url: string, error: NodeJS.ErrnoException & { address?: string; port?: number }): Failure {
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  return new ConnectionFailure(`${verb} ${JSON.stringify(url)}: ${reason(error)}`, error);
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
    case 'ESILENT':
      return 'net/http: timeout awaiting response';
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
      return `tls: failed to verify certificate: x509: ${otherNames(error)}`;
    default:
      return error.message;
  }
}

function otherNames(error: Error & { host?: string; cert?: { subjectaltname?: string } }): string {
  const names = error.cert?.subjectaltname?.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''));
  return names && error.host ? `certificate is valid for ${names.join(', ')}, not ${error.host.replace(/\.$/, '')}` : error.message;
}
