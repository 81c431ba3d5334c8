import { createPublicKey, verify } from 'node:crypto';
import type { Client } from 'ssh2';
import { utils } from 'ssh2';
import { CERTIFICATE_SUFFIX, type Certificate, isCertificateType, parseCertificate, timeOf } from './certificate.ts';
import { WireReader, wireBytes } from './wire.ts';

/** Why a certificate says nothing of a machine. */
export type CertificateProblem = 'expired' | 'not-yet' | 'name' | 'kind' | 'options' | 'signature';

/**
 * Whether a certificate speaks for a machine, once its authority is trusted for that.
 *
 * @param host the name that was connected to, or HostKeyAlias
 * @returns undefined: it does. Without principals it is for every machine, as with ssh
 * Source: sshkey_cert_check_host in OpenSSH, tried with 9.2
 */
export function hostCertificateProblem(certificate: Certificate, host: string, now = Date.now()): CertificateProblem | undefined {
  const { kind, principals, hasCriticalOptions } = certificate;
  if (kind !== 'host') return 'kind';
  if (hasCriticalOptions) return 'options';
  const time = timeOf(certificate, now);
  if (time !== 'valid') return time;
  if (principals.length > 0 && !principals.includes(host.toLowerCase())) return 'name';
  return isSigned(certificate) ? undefined : 'signature';
}

const CURVE_BYTES: Record<string, number> = { 'ecdsa-sha2-nistp256': 32, 'ecdsa-sha2-nistp384': 48, 'ecdsa-sha2-nistp521': 66 };
/** As in ssh: no SHA-1. */
const HASHES: Record<string, [keyType: string, hash: string | null]> = {
  'ssh-ed25519': ['ssh-ed25519', null],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256', 'sha256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384', 'sha384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521', 'sha512'],
  'rsa-sha2-256': ['ssh-rsa', 'sha256'],
  'rsa-sha2-512': ['ssh-rsa', 'sha512'],
};

function isSigned({ authority, signed, signature }: Certificate): boolean {
  try {
    const reader = new WireReader(signature);
    const [type, value] = [reader.text(), reader.bytes()];
    const [keyType, hash] = Object.hasOwn(HASHES, type) ? (HASHES[type] ?? []) : [];
    if (keyType === undefined || hash === undefined || new WireReader(authority).text() !== keyType) return false;
    const key = utils.parseKey(authority);
    if (key instanceof Error || Array.isArray(key)) return false;
    const bytes = CURVE_BYTES[type];
    const plain = bytes === undefined ? value : pairOf(value, bytes);
    return verify(hash, signed, { key: createPublicKey(key.getPublicPEM()), dsaEncoding: 'ieee-p1363' }, plain);
  } catch {
    return false;
  }
}

/** r and s of an ECDSA signature, each in as many bytes as the curve has. @throws RangeError if they have more */
function pairOf(signature: Buffer, bytes: number): Buffer {
  const reader = new WireReader(signature);
  const fixed = (number: Buffer) => {
    const digits = number[0] === 0 ? number.subarray(1) : number;
    if (digits.length > bytes) throw new RangeError('a number is too large');
    return Buffer.concat([Buffer.alloc(bytes - digits.length), digits]);
  };
  return Buffer.concat([fixed(reader.bytes()), fixed(reader.bytes())]);
}

interface List {
  array: string[];
  buffer: Buffer;
}
interface Offer {
  totalSize: number;
  lists: { kex: List; serverHostKey: List; all: Buffer };
}
interface Exchange {
  negotiated: { serverHostKey: string };
  type: string;
  parse(payload: Buffer): unknown;
}
/** What this needs of ssh2 and its interface does not give. Looked for before it is used; tests fail if a new version differs. */
interface Inside {
  _protocol?: { _offer?: Offer; _kex?: Exchange | undefined };
}

const KEXDH_REPLY = 31;
const GEX_REPLY = 33;

/**
 * Lets a machine show a certificate instead of its key, which ssh2 knows nothing of: the answer of the key exchange is given to ssh2 with the
 * key that is in the certificate, and only the hash over the exchange takes in what was really sent. Should a version of ssh2 do that in
 * another order, no signature is right, and nothing connects.
 *
 * @param algorithms before those of plain keys, such as `ssh-ed25519-cert-v01@openssh.com`
 * @param tell what was shown, before the key is to be judged
 * Source: RFC 4253, 8; PROTOCOL.certkeys of OpenSSH
 */
export function offerHostCertificates(client: Client, algorithms: readonly string[], tell: (certificate: Certificate) => void): void {
  const protocol = (client as unknown as Inside)._protocol;
  const offer = protocol?._offer;
  if (!protocol || !offer?.lists.all || !offer.lists.serverHostKey.buffer || !('_kex' in protocol))
    throw new Error('this version of ssh2 is not known');
  protocol._offer = withHostKeys(offer, [...algorithms, ...offer.lists.serverHostKey.array]);
  let exchange = protocol._kex;
  Object.defineProperty(protocol, '_kex', {
    get: () => exchange,
    set: (next: Exchange | undefined) => {
      exchange = next;
      if (next && isCertificateType(next.negotiated.serverHostKey)) takeCertificate(next, tell);
    },
  });
}

function withHostKeys(offer: Offer, names: string[]): Offer {
  const { kex, serverHostKey, all } = offer.lists;
  const from = 4 + kex.buffer.length;
  const to = from + 4 + serverHostKey.buffer.length;
  const list = wireBytes(names.join(','));
  const changed = Buffer.concat([all.subarray(0, from), list, all.subarray(to)]);
  const lists = { ...offer.lists, serverHostKey: { array: names, buffer: list.subarray(4) }, all: changed };
  return Object.assign(Object.create(Object.getPrototypeOf(offer)), offer, { totalSize: changed.length, lists });
}

function takeCertificate(exchange: Exchange, tell: (certificate: Certificate) => void): void {
  const parse = exchange.parse.bind(exchange);
  const reply = exchange.type === 'groupex' ? GEX_REPLY : KEXDH_REPLY;
  exchange.parse = (payload) => {
    if (payload[0] !== reply) return parse(payload);
    const algorithm = exchange.negotiated.serverHostKey.slice(0, -CERTIFICATE_SUFFIX.length);
    const replaced = withPlainKey(payload, algorithm);
    // ssh2 finds that what came is not what was agreed upon.
    if (!replaced) return parse(payload);
    const { certificate, plain } = replaced;
    exchange.negotiated = { ...exchange.negotiated, serverHostKey: algorithm };
    hashFirst(exchange, certificate.blob);
    tell(certificate);
    return parse(plain);
  };
}

function withPlainKey(payload: Buffer, algorithm: string): { certificate: Certificate; plain: Buffer } | undefined {
  try {
    const reader = new WireReader(payload, 1);
    const certificate = parseCertificate(Buffer.from(reader.bytes()));
    if (!certificate) return undefined;
    const type = new WireReader(certificate.key).text();
    if (type !== (algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm)) return undefined;
    return { certificate, plain: Buffer.concat([payload.subarray(0, 1), wireBytes(certificate.key), payload.subarray(reader.at)]) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The machine's key is first read for the hash, which is over all that came; then for its signature. */
function hashFirst(exchange: Exchange, whole: Buffer): void {
  let key: unknown;
  let isHashed = false;
  Object.defineProperty(exchange, '_hostKey', {
    get() {
      if (isHashed) return key;
      isHashed = true;
      return whole;
    },
    set(next: unknown) {
      key = next;
    },
  });
}
