/**
 * Credentials and tokens for registries.
 * Source: distribution token authentication (GET and OAuth2 POST)
 */
import type { RegistryAuth } from '../contract/docker/index.ts';
import { Failure, isFailure, messageOf } from '../engine/failure.ts';
import type { Challenge } from './challenges.ts';
import { parseChallenges } from './challenges.ts';
import { ConnectionFailure, RegistryFailure, readBody, registryError } from './errors.ts';
import type { Transport } from './transport.ts';

/** User name and password of an `X-Registry-Auth`, however it was written; undefined when one of them is missing. */
export function basicCredentials(auth: RegistryAuth | undefined): { username: string; password: string } | undefined {
  if (!auth) return undefined;
  if (auth.username) return auth.password ? { username: auth.username, password: auth.password } : undefined;
  if (!auth.auth) return undefined;
  const [username, ...rest] = Buffer.from(auth.auth, 'base64').toString().split(':');
  const password = rest.join(':').replace(/\0+$/, '');
  return username && password ? { username, password } : undefined;
}

function basicHeader(credentials: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

/** Tokens are renewed this long before they end, since a request takes time. */
const EARLY_MS = 10_000;
/** What a token lives when its server does not say. Source: distribution token specification */
const DEFAULT_TOKEN_S = 60;
const TOKEN_BYTES = 1024 * 1024;

/** Answers the challenges of one registry for one user; one of these for each pull or push. */
export class Authorizer {
  readonly #auth: RegistryAuth | undefined;
  readonly #transport: Transport;
  /** Asks for refresh tokens, too: for `docker login`. */
  readonly #offline: boolean;
  readonly #tokens = new Map<string, { header: string; expires: number; identityToken: string | undefined }>();
  readonly #running = new Map<string, Promise<string>>();
  /** Learned from the first challenge: later requests bring their credentials at once. */
  #challenge: Challenge | undefined;

  constructor(auth: RegistryAuth | undefined, transport: Transport, options: { offline?: boolean } = {}) {
    this.#auth = auth;
    this.#transport = transport;
    this.#offline = options.offline ?? false;
  }

  /**
   * The Authorization header for a request of this scope, as far as it is known what the registry wants.
   * @param what names the request, as Go's client does
   */
  async header(scope: string, what: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#auth?.registrytoken) return `Bearer ${this.#auth.registrytoken}`;
    return this.#challenge ? this.#answer(this.#challenge, scope, what, signal) : undefined;
  }

  /**
   * A request was refused: learns from its challenge.
   * @returns the header for one more try; undefined: there is nothing to add to what was refused
   * @throws RegistryFailure when there is nothing to answer with
   */
  async challenged(
    header: string | undefined,
    scope: string,
    refused: string | undefined,
    what: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const challenges = parseChallenges(header ?? '');
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    const basic = challenges.find(({ scheme }) => scheme === 'basic');
    const chosen = bearer ?? basic;
    if (!chosen) return undefined;
    this.#challenge = chosen;
    // Of several requests with one old token, the first gets a new one for all.
    const key = tokenKey(chosen, scope);
    if (chosen === bearer && this.#tokens.get(key)?.header === refused) this.#tokens.delete(key);
    const answer = await this.#answer(chosen, scope, what, signal);
    return answer === refused ? undefined : answer;
  }

  /** The refresh token that the token server gave, else the one that was shown to it, for `docker login`. */
  identityToken(): string {
    for (const token of this.#tokens.values()) if (token.identityToken) return token.identityToken;
    return this.#auth?.identitytoken ?? '';
  }

  /** @throws RegistryFailure, ConnectionFailure that name the request */
  async #answer(challenge: Challenge, scope: string, what: string, signal: AbortSignal): Promise<string> {
    try {
      return await (challenge.scheme === 'basic' ? this.#basic() : this.#token(challenge, scope, signal));
    } catch (error) {
      signal.throwIfAborted();
      throw withoutAuthorization(error, what);
    }
  }

  #basic(): string {
    const credentials = basicCredentials(this.#auth);
    if (!credentials) throw new Failure('system', 'no basic auth credentials');
    return basicHeader(credentials);
  }

  async #token(challenge: Challenge, scope: string, signal: AbortSignal): Promise<string> {
    const key = tokenKey(challenge, scope);
    const known = this.#tokens.get(key);
    if (known && known.expires > Date.now()) return known.header;
    let running = this.#running.get(key);
    if (!running) {
      running = this.#fetchToken(challenge, scope, key, signal).finally(() => this.#running.delete(key));
      this.#running.set(key, running);
    }
    return running;
  }

  async #fetchToken(challenge: Challenge, scope: string, key: string, signal: AbortSignal): Promise<string> {
    const { realm, service = '' } = challenge.parameters;
    if (!realm) throw new Failure('system', 'no realm specified for token auth challenge');
    let url: URL;
    try {
      url = new URL(realm);
    } catch {
      throw new Failure('system', `invalid token auth challenge realm: ${JSON.stringify(realm)}`);
    }
    // Several actions may come joined by spaces: each is a scope of its own.
    const scopes = scope === '' ? [] : scope.split(' ');
    const response = this.#auth?.identitytoken
      ? await this.#post(url, service, scope, this.#auth.identitytoken, signal)
      : await this.#get(url, service, scopes, signal);
    if (response.status !== 200) throw await registryError(response, `${response.method} ${url.origin}${url.pathname}`);
    const body = (await readBody(response.body, TOKEN_BYTES)).toString();
    let answer: { token?: string; access_token?: string; expires_in?: number; refresh_token?: string };
    try {
      answer = JSON.parse(body) as typeof answer;
    } catch (error) {
      throw new Failure('system', `unable to decode token response: ${(error as Error).message}`);
    }
    const token = answer.token || answer.access_token;
    if (!token) throw new Failure('system', 'authorization server did not include a token in the response');
    const lives = Math.max(answer.expires_in ?? DEFAULT_TOKEN_S, DEFAULT_TOKEN_S) * 1000;
    const header = `Bearer ${token}`;
    this.#tokens.set(key, { header, expires: Date.now() + lives - EARLY_MS, identityToken: answer.refresh_token });
    return header;
  }

  #get(url: URL, service: string, scopes: string[], signal: AbortSignal) {
    const credentials = basicCredentials(this.#auth);
    if (credentials) url.searchParams.set('account', credentials.username);
    if (this.#offline) {
      url.searchParams.set('client_id', 'docker');
      url.searchParams.set('offline_token', 'true');
    }
    for (const scope of scopes) url.searchParams.append('scope', scope);
    if (service) url.searchParams.set('service', service);
    const headers: Record<string, string> = credentials ? { authorization: basicHeader(credentials) } : {};
    return this.#transport.request({ method: 'GET', url, headers, signal });
  }

  #post(url: URL, service: string, scope: string, identityToken: string, signal: AbortSignal) {
    const form = new URLSearchParams({ grant_type: 'refresh_token', service, client_id: 'docker', refresh_token: identityToken });
    if (scope) form.set('scope', scope);
    const body = Buffer.from(form.toString());
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) };
    return this.#transport.request({ method: 'POST', url, headers, body, signal });
  }
}

/**
 * Why a request got no authorization, named as Go's client does it: with the request itself.
 * Its code is not the registry's: what a token server denies says nothing of whether an image is there.
 */
function withoutAuthorization(error: unknown, what: string): Failure {
  // A token server that is not where the registry says is no image that is not there.
  const kind = isFailure(error) && error.kind !== 'notFound' ? error.kind : 'system';
  const bare = messageOf(error);
  if (error instanceof ConnectionFailure) return new ConnectionFailure(`${what}: ${bare}`, error);
  return new RegistryFailure(kind, `${what}: ${bare}`, error instanceof RegistryFailure ? error.status : 401, '', { bare });
}

function tokenKey(challenge: Challenge, scope: string): string {
  return `${challenge.parameters.realm} ${challenge.parameters.service ?? ''} ${scope}`;
}
