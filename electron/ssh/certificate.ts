import { shown } from './failures.ts';
import { WireReader, wireBytes } from './wire.ts';

/** A public key with a CA's word for whom it is, as OpenSSH's own certificates have it. */
export interface Certificate {
  /** As it goes over the wire. */
  blob: Buffer;
  /** The public key in it, as it goes over the wire without a certificate. */
  key: Buffer;
  kind: 'user' | 'host';
  /** What the CA calls it; safe to be shown, as are the principals. */
  id: string;
  /** Names that its holder may sign in as; the machine decides what they mean there. */
  principals: string[];
  /** Undefined: from ever, for ever. */
  validFrom: Date | undefined;
  validUntil: Date | undefined;
  /** It holds under conditions: a command, addresses. */
  hasCriticalOptions: boolean;
  /** The CA's public key. */
  authority: Buffer;
  /** What the CA has signed, and its signature as it goes over the wire. Reading a certificate proves nothing yet. */
  signed: Buffer;
  signature: Buffer;
}

/** What the name of a certificate's type ends with; before it stands the type of the key. */
export const CERTIFICATE_SUFFIX = '-cert-v01@openssh.com';

/** Fields of a key's public half. */
const FIELDS: Record<string, number> = {
  'ssh-rsa': 2,
  'ssh-ed25519': 1,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
};
const BLOB_LIMIT_BYTES = 64 * 1024;
/** As in OpenSSH. */
const PRINCIPALS_LIMIT = 256;
const NO_END = 2n ** 64n - 1n;

export const isCertificateType = (type: string): boolean => type.endsWith(CERTIFICATE_SUFFIX);

/**
 * @param blob as an agent gives it, or the decoded middle of a `.pub` file
 * @returns undefined if it is no certificate of a kind that Gantry can sign in with
 * Source: PROTOCOL.certkeys of OpenSSH
 */
export function parseCertificate(blob: Buffer): Certificate | undefined {
  if (blob.length > BLOB_LIMIT_BYTES) return undefined;
  try {
    const reader = new WireReader(blob);
    const type = reader.text();
    const plain = type.slice(0, -CERTIFICATE_SUFFIX.length);
    const fields = Object.hasOwn(FIELDS, plain) && isCertificateType(type) ? (FIELDS[plain] ?? 0) : 0;
    if (fields === 0) return undefined;
    reader.bytes();
    const from = reader.at;
    for (let n = 0; n < fields; n += 1) reader.bytes();
    const key = Buffer.concat([wireBytes(plain), blob.subarray(from, reader.at)]);
    reader.uint64();
    const kind = reader.uint32();
    const id = shown(reader.text(), 200);
    const principals = principalsIn(reader.bytes());
    const [after, before] = [reader.uint64(), reader.uint64()];
    const hasCriticalOptions = reader.bytes().length > 0;
    // Extensions, and what is reserved.
    for (let n = 0; n < 2; n += 1) reader.bytes();
    const authority = reader.bytes();
    const signed = blob.subarray(0, reader.at);
    const signature = reader.bytes();
    if (!reader.ended || (kind !== 1 && kind !== 2)) return undefined;
    return {
      blob,
      key,
      kind: kind === 1 ? 'user' : 'host',
      id,
      principals,
      validFrom: after === 0n ? undefined : dateOf(after),
      validUntil: before === NO_END ? undefined : dateOf(before),
      hasCriticalOptions,
      authority,
      signed,
      signature,
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A certificate in a file as `ssh-keygen -s` writes it: one line, type, base64, comment. */
export function parseCertificateFile(content: Buffer): Certificate | undefined {
  const [type = '', encoded = ''] = content.toString('latin1').trimStart().split(/\s+/, 2);
  return isCertificateType(type) ? parseCertificate(Buffer.from(encoded, 'base64')) : undefined;
}

function principalsIn(list: Buffer): string[] {
  const reader = new WireReader(list);
  const names: string[] = [];
  while (!reader.ended) {
    if (names.length >= PRINCIPALS_LIMIT) throw new RangeError('too many principals');
    names.push(shown(reader.text(), 100));
  }
  return names;
}

/** The last moment that a Date can tell, where it is later. */
const dateOf = (seconds: bigint): Date => new Date(Number(seconds < 8_640_000_000_000n ? seconds : 8_640_000_000_000n) * 1000);

/** Whether its time has come, and has not gone, by this machine's clock. */
export function timeOf({ validFrom, validUntil }: Certificate, now = Date.now()): 'valid' | 'expired' | 'not-yet' {
  if (validFrom && now < validFrom.getTime()) return 'not-yet';
  // As sshd: the last second does not count.
  return validUntil && now >= validUntil.getTime() ? 'expired' : 'valid';
}

/** `2026-11-25 21:05`, in this machine's time: many certificates hold for hours only. */
export function minuteOf(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return Number.isNaN(local.getTime()) ? date.toISOString() : local.toISOString().slice(0, 16).replace('T', ' ');
}
