/** What the user has said of a host, so that nothing happens there by mistake. Kept to in the main process, whoever asks. */
export interface Marks {
  /** Nothing there is changed. */
  readOnly?: boolean | undefined;
  /** Whoever deletes there says the host's name. */
  production?: boolean | undefined;
}
export interface GuardedRequest {
  method: string;
  /** Path with query. */
  path: string;
  /** The host's name, as the user has typed it for this. */
  confirmed?: string | undefined;
  /** It takes away what the app itself has just made there. */
  own?: boolean | undefined;
  /** A copy for which nothing is paused. */
  reads?: boolean | undefined;
}

/** A request that was not sent, because of a host's marks. `message` is for the user. */
export class Forbidden extends Error {
  readonly reason: 'read-only' | 'confirm';
  /** The host's name. */
  readonly host: string;
  constructor(reason: 'read-only' | 'confirm', host: string, message: string) {
    super(message);
    this.name = 'Forbidden';
    this.reason = reason;
    this.host = host;
  }
}

/** A WebSocket looks like a read and carries stdin; waiting changes nothing. */
const WRITING_GET = /\/attach\/ws$/;
const READING_POST = /\/containers\/[^/]+\/wait$/;
/** The whole of it: a container may be called as it likes. */
const READING_COPY = /^(\/v[\d.]+)?\/gantry\/v1\/copy\/send$/;
/** Put into the bin is deleted, too: it stays there for a time only. */
const DELETING_POST = /\/prune$|\/gantry\/v1\/bin$/;

const mayRead = ({ method, path, reads }: GuardedRequest): boolean => {
  const [bare = ''] = path.split('?');
  if (method === 'GET' || method === 'HEAD') return !WRITING_GET.test(bare);
  return method === 'POST' && (READING_POST.test(bare) || (reads === true && READING_COPY.test(bare)));
};
const deletes = ({ method, path }: GuardedRequest): boolean =>
  method === 'DELETE' || (method !== 'GET' && DELETING_POST.test(path.split('?')[0] ?? ''));

/**
 * Lets a request through, or does not.
 *
 * @throws Forbidden
 */
export function guard(name: string, { readOnly, production }: Marks, request: GuardedRequest): void {
  if (readOnly && !mayRead(request)) throw new Forbidden('read-only', name, `${name} is marked as read-only: nothing was changed`);
  if (production && deletes(request) && !request.own && request.confirmed !== name)
    throw new Forbidden('confirm', name, `${name} is marked as production: deleting there needs its name`);
}
