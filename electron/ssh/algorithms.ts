import constants from 'ssh2/lib/protocol/constants.js';
import { CERTIFICATE_SUFFIX, isCertificateType } from './certificate.ts';
import { fitsList } from './patterns.ts';

/** What may be agreed upon with a machine, the preferred first. */
export interface Algorithms {
  kex: string[];
  cipher: string[];
  hmac: string[];
  /** Of the machine's key, without certificates, and of its certificates by the key that they are for. */
  hostKeys: string[];
  hostCertificates: string[];
  /** The configuration gives the order: what is known of a machine does not change it. */
  hostKeysOrdered: boolean;
}

// Without ssh-rsa, as ssh since 8.8: it is signed with SHA-1.
const HOST_KEYS = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256'];
const CERTIFICATES = HOST_KEYS.map((name) => `${name}${CERTIFICATE_SUFFIX}`);

/**
 * KexAlgorithms, Ciphers, MACs and HostKeyAlgorithms, over what ssh2 has by itself.
 *
 * @param setting what the configuration gives for a keyword
 * @throws Error with a sentence for the user if nothing is left of one
 */
export function algorithmsOf(setting: (key: string) => string | undefined): Algorithms {
  const chosen = (keyword: string, defaults: readonly string[], supported: readonly string[]): string[] => {
    const given = setting(keyword.toLowerCase());
    const names = given === undefined ? [...defaults] : listOf(given, defaults, supported);
    if (names.length === 0) throw new Error(`Of ${keyword} in ~/.ssh/config Gantry knows none: ${given}`);
    return names;
  };
  const keys = chosen('HostKeyAlgorithms', [...CERTIFICATES, ...HOST_KEYS], [...CERTIFICATES, ...constants.SUPPORTED_SERVER_HOST_KEY]);
  const order = setting('hostkeyalgorithms');
  return {
    kex: chosen('KexAlgorithms', constants.DEFAULT_KEX, constants.SUPPORTED_KEX),
    cipher: chosen('Ciphers', constants.DEFAULT_CIPHER, constants.SUPPORTED_CIPHER),
    hmac: chosen('MACs', constants.DEFAULT_MAC, constants.SUPPORTED_MAC),
    hostKeys: keys.filter((name) => !isCertificateType(name)),
    hostCertificates: keys.filter(isCertificateType).map((name) => name.slice(0, -CERTIFICATE_SUFFIX.length)),
    hostKeysOrdered: order !== undefined && !/^[+-]/.test(order),
  };
}

/** `+` adds, `-` takes away, `^` puts in front, else it is the whole list. Source: ssh_config(5) */
function listOf(given: string, defaults: readonly string[], supported: readonly string[]): string[] {
  const sign = /^[+^-]/.exec(given)?.[0];
  const words = given.slice(sign ? 1 : 0).split(',');
  if (sign === '-') return defaults.filter((name) => !fitsList(words, name));
  const known = words.filter((name) => supported.includes(name));
  if (sign === '+') return [...new Set([...defaults, ...known])];
  if (sign === '^') return [...new Set([...known, ...defaults])];
  return [...new Set(known)];
}
