/**
 * Failures that a client can act on. `api/errors.ts` maps `kind` to a status; nothing else does.
 * The message is what the user reads: dockerd's text where dockerd has one.
 */
export type FailureKind =
  | 'notFound'
  | 'conflict'
  | 'invalidParameter'
  | 'forbidden'
  | 'unauthorized'
  | 'notModified'
  | 'tooManyRequests'
  | 'unavailable'
  | 'notImplemented'
  | 'system';

export class Failure extends Error {
  readonly kind: FailureKind;
  constructor(kind: FailureKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'Failure';
    this.kind = kind;
  }
}

export function isFailure(error: unknown, kind?: FailureKind): error is Failure {
  return error instanceof Failure && (kind === undefined || error.kind === kind);
}

/** The words of any thrown value, for messages and logs. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
