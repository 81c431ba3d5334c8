import type { ServerResponse } from 'node:http';
import type { Log } from '../engine/context.ts';
import { type FailureKind, isFailure, messageOf } from '../engine/failure.ts';

/** The one mapping from what went wrong to an HTTP status. */
const STATUS: Record<FailureKind, number> = {
  notModified: 304,
  invalidParameter: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  tooManyRequests: 429,
  system: 500,
  notImplemented: 501,
  unavailable: 503,
};

/** Anything but a Failure is our own mistake: 500. */
export function statusOf(error: unknown): number {
  return isFailure(error) ? STATUS[error.kind] : 500;
}

/** What a client asked wrongly is its own affair; what we failed at, the administrator's. */
export function logRefusal(log: Log, what: string, error: unknown): void {
  const status = statusOf(error);
  if (status >= 500) log.error(`${what} failed`, { status, error: status === 500 && !isFailure(error) ? error : messageOf(error) });
  else log.debug(`${what} refused`, { status, error: messageOf(error) });
}

/**
 * Answers with an error as dockerd does: `{"message": …}`, or plain text for clients older than 1.24, which print it as it is.
 * Once an answer has begun, all that is left is to break the connection, so that the client sees that it is not whole.
 */
export function writeError(response: ServerResponse, error: unknown, options: { log: Log; what: string; plain?: boolean }): void {
  const status = statusOf(error);
  logRefusal(options.log, options.what, error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What a route had prepared for its success does not describe this body.
  for (const name of ['Content-Length', 'Content-Type', 'Content-Encoding']) response.removeHeader(name);
  if (status === 304) {
    response.writeHead(304).end();
    return;
  }
  const body = Buffer.from(options.plain ? `${messageOf(error)}\n` : `${JSON.stringify({ message: messageOf(error) })}\n`);
  response.writeHead(status, {
    'Content-Type': options.plain ? 'text/plain; charset=utf-8' : 'application/json',
    'Content-Length': body.length,
  });
  response.end(body);
}
