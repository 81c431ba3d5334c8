/** What tests of the client need: a registry that is another one for each test, and requests to it. */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type http from 'node:http';
import { Readable } from 'node:stream';
import { afterEach, beforeEach } from 'vitest';
import type { RegistryAuth } from '../contract/docker/index.ts';
import { type Repository, withRepository } from '../registry/client.ts';
import { downloadBlob } from '../registry/download.ts';
import type { RegistrySettings } from '../registry/endpoints.ts';
import { uploadBlob } from '../registry/upload.ts';
import { FakeRegistry, type Hook } from './fake-registry.ts';

export const signal = new AbortController().signal;
setMaxListeners(0, signal);
export const DATA = randomBytes(300_000);
export let registry: FakeRegistry;
let others: FakeRegistry[];
beforeEach(async () => {
  registry = await FakeRegistry.start();
  others = [];
});
afterEach(() => Promise.all([registry, ...others].map((each) => each.stop())));

export async function another(): Promise<FakeRegistry> {
  const made = await FakeRegistry.start();
  others.push(made);
  return made;
}

export interface With {
  domain?: string;
  auth?: RegistryAuth;
  settings?: Partial<RegistrySettings>;
  silenceMs?: number;
  actions?: 'pull' | 'pull,push';
  login?: boolean;
}

export function using<T>(
  work: (repository: Repository) => Promise<T>,
  { domain, auth, settings, silenceMs, actions = 'pull', login = false }: With = {},
): Promise<T> {
  return withRepository(
    {
      domain: domain ?? registry.host,
      path: 'a/b',
      auth,
      actions,
      login,
      settings: { registryMirrors: [], insecureRegistries: [], ...settings },
      ...(silenceMs === undefined ? {} : { silenceMs }),
    },
    signal,
    work,
  );
}

export const manifest = (more?: With): Promise<string> =>
  using(async (repository) => (await repository.manifest('1', signal)).digest, more);

export async function download(digest: string, more: With & { size?: number; retries?: number[]; offset?: number } = {}): Promise<Buffer> {
  return using(async (repository) => {
    const hook = registry.hook;
    registry.hook = undefined;
    await repository.ping(signal).finally(() => {
      registry.hook = hook;
    });
    const chunks: Buffer[] = [];
    const bytes = downloadBlob(repository, {
      digest,
      size: more.size ?? DATA.length,
      offset: more.offset ?? 0,
      signal,
      backoffMs: 10,
      onRetry: (seconds) => more.retries?.push(seconds),
    });
    for await (const chunk of bytes) chunks.push(chunk);
    return Buffer.concat(chunks);
  }, more);
}

/** A hook that always answers. */
export const always =
  (answer: (request: http.IncomingMessage, response: http.ServerResponse) => void): Hook =>
  (request, response) => {
    answer(request, response);
    return true;
  };

/** Answers the first `times` requests that match by `hook`. */
export const first = (times: number, pattern: RegExp, hook: Hook): Hook => {
  let left = times;
  return (request, response, url) =>
    pattern.test(`${request.method} ${url.pathname}`) && left-- > 0 ? hook(request, response, url) : false;
};
export const status =
  (code: number, headers: http.OutgoingHttpHeaders = {}): Hook =>
  (_, response) => {
    response.writeHead(code, headers).end('<html>sorry</html>');
    return true;
  };

export function upload(
  repository: Repository,
  more: { gzip?: boolean; mountFrom?: string; digest?: string } = {},
): ReturnType<typeof uploadBlob> {
  return uploadBlob(repository, {
    size: DATA.length,
    open: (offset) =>
      Readable.from([DATA.subarray(offset, 200_000), DATA.subarray(Math.max(offset, 200_000))].filter((part) => part.length > 0)),
    signal,
    backoffMs: 10,
    ...more,
  });
}

/** A registry whose tokens live until `valid` says otherwise, and a server that gives them out. */
export async function withTokens(): Promise<{ tokens: FakeRegistry; valid: Set<string>; issued: () => number }> {
  const tokens = await another();
  const valid = new Set<string>();
  let issued = 0;
  tokens.hook = (_, response) => {
    const token = `token-${++issued}`;
    valid.add(token);
    response.setHeader('Content-Type', 'application/json');
    setTimeout(() => response.end(JSON.stringify({ token, expires_in: 300 })), 20);
    return true;
  };
  registry.hook = (request, response) => {
    const given = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    if (given && valid.has(given)) return false;
    request.resume();
    response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${tokens.url}/token",service="the registry"` }).end();
    return true;
  };
  return { tokens, valid, issued: () => issued };
}
