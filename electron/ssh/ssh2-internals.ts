import type { Client, ParsedKey } from 'ssh2';
import { CERTIFICATE_SUFFIX, isCertificateType } from './certificate.ts';
import type { RawChannel } from './channel-stream.ts';
import { WireReader, wireBytes } from './wire.ts';

/**
 * What this app needs of ssh2 and its interface does not give. Each is looked for before it is used, and the tests beside connect.ts
 * fail if a new version has it no longer.
 */
interface Inside {
  _protocol?: {
    _handlers?: { USERAUTH_FAILURE?: (protocol: unknown, methods: string[], partial: boolean) => void };
    authPK?: AuthPK;
    _packetRW?: { write?: { allocStart: number; alloc: (bytes: number) => Buffer; finalize: (packet: Buffer) => Buffer } };
  };
}
type AuthPK = (user: string, key: ParsedKey, algorithm: string | undefined, sign?: unknown) => void;

/**
 * Tells what a machine still takes after each failed try. With keys of an agent, ssh2 keeps this to itself, so that after a key that was
 * right but not enough (AuthenticationMethods publickey,password) one would not know how to go on.
 */
export function watchAuthFailures(client: Client, tell: (methods: string[], partial: boolean) => void): void {
  const handlers = (client as unknown as Inside)._protocol?._handlers;
  const original = handlers?.USERAUTH_FAILURE;
  if (!handlers || !original) throw new Error('this version of ssh2 is not known');
  handlers.USERAUTH_FAILURE = (protocol, methods, partial) => {
    tell(methods, partial);
    original(protocol, methods, partial);
  };
}

/**
 * Lets keys be offered whose public half is a certificate. ssh2 names the same algorithm for the key and for its signature; with a
 * certificate they differ (PROTOCOL.certkeys of OpenSSH), so what ssh2 has put together for the certificate's is corrected before it is sent.
 */
export function offerCertificates(client: Client): void {
  const protocol = (client as unknown as Inside)._protocol;
  const original = protocol?.authPK;
  if (!protocol || !original || typeof protocol._packetRW?.write?.finalize !== 'function')
    throw new Error('this version of ssh2 is not known');
  // Looked up each time: after a handshake it is another one.
  const real = () => protocol._packetRW?.write as NonNullable<NonNullable<typeof protocol._packetRW>['write']>;
  const write = {
    allocStart: 0,
    alloc: (bytes: number) => Buffer.alloc(bytes),
    finalize(packet: Buffer) {
      const corrected = withPlainSignature(packet);
      const allocated = real().alloc(corrected.length);
      corrected.copy(allocated, real().allocStart);
      return real().finalize(allocated);
    },
  };
  const correcting = new Proxy(protocol, { get: (target, name) => (name === '_packetRW' ? { write } : Reflect.get(target, name)) });
  protocol.authPK = (user, key, algorithm, sign) => {
    if (!isCertificateType(new WireReader(key.getPublicSSH()).text())) return original.call(protocol, user, key, algorithm, sign);
    // With an algorithm of its own for RSA: rsa-sha2-512-cert-v01@openssh.com
    original.call(sign ? correcting : protocol, user, key, `${algorithm ?? key.type}${CERTIFICATE_SUFFIX}`, sign);
  };
}

/** @param request a signed USERAUTH_REQUEST (RFC 4252, 7) */
function withPlainSignature(request: Buffer): Buffer {
  const reader = new WireReader(request);
  reader.byte();
  for (const _ of ['user', 'service', 'method']) reader.bytes();
  reader.byte();
  reader.bytes();
  reader.bytes();
  const head = request.subarray(0, reader.at);
  const signature = new WireReader(reader.bytes());
  const algorithm = signature.text();
  if (!isCertificateType(algorithm)) throw new Error('this version of ssh2 is not known');
  return Buffer.concat([head, wireBytes(wireBytes(algorithm.slice(0, -CERTIFICATE_SUFFIX.length)), wireBytes(signature.bytes()))]);
}

/**
 * Ends a connection whose other side sends more than the window that it was given: ssh2 takes such data in without limit.
 *
 * @param onOverrun called once, on the first packet beyond what was allowed
 */
export function guardWindow(channel: RawChannel, onOverrun: () => void): void {
  const push = channel.push.bind(channel);
  let over = false;
  channel.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (over) return false;
    if ((channel.incoming?.window ?? 0) < 0) {
      over = true;
      onOverrun();
      return false;
    }
    return push(chunk, encoding);
  };
}
