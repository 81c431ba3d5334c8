import type { Duplex } from 'node:stream';
import { createAgent } from 'ssh2';
import { WireReader, wireBytes, wireUint32 } from './wire.ts';

/** A key or certificate that an agent holds. */
export interface AgentKey {
  /** As it goes over the wire. */
  blob: Buffer;
  comment: string;
}

/** As in OpenSSH. */
const ANSWER_LIMIT_BYTES = 256 * 1024;
const KEYS_LIMIT = 64;
const LIST_MS = 5000;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const RSA_FLAGS: Record<string, number> = { sha256: 2, sha512: 4 };

/**
 * What an SSH agent holds. ssh2's own client passes certificates over.
 *
 * @param socket a Unix socket, a named pipe, or `pageant`
 * Source: draft-miller-ssh-agent
 */
export async function agentKeys(socket: string): Promise<AgentKey[]> {
  const reader = await ask(socket, Buffer.from([REQUEST_IDENTITIES]), IDENTITIES_ANSWER, LIST_MS);
  const count = Math.min(reader.uint32(), KEYS_LIMIT);
  return Array.from({ length: count }, () => ({ blob: reader.bytes(), comment: reader.text() }));
}

/**
 * Has it sign, which may take as long as its user takes to confirm.
 *
 * @param hash for RSA: sha256 or sha512
 * @returns the signature without its type's name
 */
export async function agentSignature(socket: string, blob: Buffer, data: Buffer, hash: string | undefined): Promise<Buffer> {
  const request = Buffer.concat([
    Buffer.from([SIGN_REQUEST]),
    wireBytes(blob),
    wireBytes(data),
    wireUint32((hash !== undefined && RSA_FLAGS[hash]) || 0),
  ]);
  const signature = new WireReader((await ask(socket, request, SIGN_RESPONSE, undefined)).bytes());
  signature.bytes();
  return signature.bytes();
}

/** One question a connection. @throws Error if it does not answer as it should */
function ask(socket: string, request: Buffer, expected: number, timeoutMs: number | undefined): Promise<WireReader> {
  return new Promise((resolve, reject) => {
    let stream: Duplex | undefined;
    let answer = Buffer.alloc(0);
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => finish(new Error('it does not answer')), timeoutMs);
    const finish = (result: WireReader | Error) => {
      clearTimeout(timer);
      stream?.destroy();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    createAgent(socket).getStream?.((error, opened) => {
      if (error || !opened) return finish(error ?? new Error('it is not there'));
      stream = opened;
      stream.on('error', finish);
      stream.on('close', () => finish(new Error('it hung up')));
      stream.on('data', (chunk: Buffer) => {
        answer = Buffer.concat([answer, chunk]);
        if (answer.length < 5) return;
        const length = answer.readUInt32BE();
        if (length > ANSWER_LIMIT_BYTES || length < 1) return finish(new Error('its answer makes no sense'));
        if (answer.length < 4 + length) return;
        const reader = new WireReader(answer.subarray(4, 4 + length));
        finish(reader.byte() === expected ? reader : new Error('it refuses'));
      });
      stream.write(wireBytes(request));
    });
  });
}
