import { tr } from './i18n.ts';
import { confirmProduction } from './marks.ts';

const CONFIRM_HEADER = 'X-Gantry-Confirm';

/** A refusal of an engine (`status` is HTTP's) or of the way to it (`connection`). `message` is the engine's own text. */
export class EngineError extends Error {
  readonly status: number;
  readonly connection: boolean;
  constructor(message: string, status: number, connection: boolean) {
    super(message);
    this.name = 'EngineError';
    this.status = status;
    this.connection = connection;
  }
}

export interface EngineRequest {
  method?: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'HEAD';
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

async function failureOf(response: Response): Promise<EngineError> {
  const text = await response.text().catch(() => '');
  let message = text;
  try {
    const body = JSON.parse(text) as { message?: string; cause?: string };
    message = body.message ?? text;
  } catch {
    // Not JSON: the text itself is the message.
  }
  return new EngineError(message || response.statusText, response.status, response.headers.get('X-Gantry-Error') === 'connection');
}

/**
 * One request to a host's engine.
 * @throws EngineError for every status from 400 up; 304 (already so) counts as success, as it does for the docker CLI
 */
export async function engineFetch(host: string, path: string, request: EngineRequest = {}): Promise<Response> {
  const headers: Record<string, string> = { ...request.headers };
  if (request.body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(`engine://${host}${path}`, {
      method: request.method ?? 'GET',
      headers,
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal: request.signal ?? null,
    });
  } catch (error) {
    if (request.signal?.aborted) throw error;
    throw new EngineError(error instanceof Error ? error.message : String(error), 503, true);
  }
  const marks = response.status === 403 ? response.headers.get('X-Gantry-Error') : null;
  if (marks === 'read-only' || marks === 'confirm') return marked(marks, response, host, path, request);
  if (response.status >= 400) throw await failureOf(response);
  return response;
}

/** The user's marks of the host stand against it: nothing was sent. Deleting goes on when the host's name is typed. */
async function marked(
  reason: 'read-only' | 'confirm',
  response: Response,
  host: string,
  path: string,
  request: EngineRequest,
): Promise<Response> {
  const { host: name } = (await response.json()) as { host: string };
  if (reason === 'read-only') throw new EngineError(tr('marks.readOnlyWhy', { name }), 403, false);
  const header = encodeURIComponent(name);
  // Asked for already: the host got another name meanwhile.
  const again = request.headers?.[CONFIRM_HEADER] === header;
  if (again || !(await confirmProduction(host, name))) throw new EngineError(tr('marks.notConfirmed', { name }), 403, false);
  return engineFetch(host, path, { ...request, headers: { ...request.headers, [CONFIRM_HEADER]: header } });
}

export async function engineJson<T>(host: string, path: string, request: EngineRequest = {}): Promise<T> {
  const response = await engineFetch(host, path, request);
  return (await response.json()) as T;
}

/** A request whose answer has no body worth reading. */
export async function engineSend(host: string, method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<void> {
  const response = await engineFetch(host, path, body === undefined ? { method } : { method, body });
  await response.body?.cancel();
}

/** The JSON lines of a progress stream (pull, load). Ends with the stream; aborting closes the connection to the engine. */
export async function* engineLines<T>(host: string, path: string, request: EngineRequest & { signal: AbortSignal }): AsyncGenerator<T> {
  const response = await engineFetch(host, path, request);
  const reader = response.body?.getReader();
  if (!reader) return;
  const cancel = () => void reader.cancel().catch(() => undefined);
  request.signal.addEventListener('abort', cancel);
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      request.signal.throwIfAborted();
      if (done) break;
      rest += decoder.decode(value, { stream: true });
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim()) yield JSON.parse(line) as T;
    }
    if (rest.trim()) yield JSON.parse(rest) as T;
  } finally {
    request.signal.removeEventListener('abort', cancel);
    cancel();
  }
}

/** Base64url of the JSON that `X-Registry-Auth` carries. */
export function registryAuth(username: string, password: string, serveraddress: string): string {
  const bytes = new TextEncoder().encode(JSON.stringify({ username, password, serveraddress }));
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_');
}
