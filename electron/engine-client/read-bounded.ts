import type { Readable } from 'node:stream';
import { ProtocolError } from './errors.ts';

/** Reads a stream to its end. @throws ProtocolError beyond `limitBytes`; the stream is destroyed then */
export async function readBounded(stream: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limitBytes) {
      stream.destroy();
      throw new ProtocolError(`the answer is larger than ${limitBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
