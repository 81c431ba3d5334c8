import { Failure } from '../engine/failure.ts';

/** The minor number of `1.N`: all versions that are in use have major 1. */
export type ApiVersion = number;

export const NEWEST: ApiVersion = 50;
export const OLDEST: ApiVersion = 24;
export const NEWEST_TEXT = `1.${NEWEST}`;
export const OLDEST_TEXT = `1.${OLDEST}`;

/**
 * The version that a path asks for; the newest when it names none.
 *
 * @param text what stands behind `/v`, such as `1.43`
 * @throws Failure invalidParameter in dockerd's words when it is outside of what we speak
 */
export function readVersion(text: string | undefined): ApiVersion {
  if (text === undefined) return NEWEST;
  const [major = 0, minor = 0, ...rest] = text.split('.').map(Number);
  const tooNew = major > 1 || (major === 1 && (minor > NEWEST || (minor === NEWEST && rest.some((part) => part > 0))));
  if (tooNew) throw new Failure('invalidParameter', `client version ${text} is too new. Maximum supported API version is ${NEWEST_TEXT}`);
  if (isTooOld(text)) {
    throw new Failure(
      'invalidParameter',
      `client version ${text} is too old. Minimum supported API version is ${OLDEST_TEXT}, please upgrade your client to a newer version`,
    );
  }
  return minor;
}

/** Clients that old print an error body as it is, so they get plain text. */
export function isTooOld(text: string): boolean {
  const [major = 0, minor = 0] = text.split('.').map(Number);
  return major < 1 || (major === 1 && minor < OLDEST);
}
