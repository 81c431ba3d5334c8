import { Transform } from 'node:stream';

const STREAMS = { stdin: 0, stdout: 1, stderr: 2, systemerr: 3 } as const;

/**
 * One frame of a multiplexed stream: stream, three zero bytes, payload length (big endian), payload.
 * Source: Docker API, POST /containers/{id}/attach, "Stream format".
 */
export function frame(stream: keyof typeof STREAMS, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = STREAMS[stream];
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** The payloads of a multiplexed stream, one after the other, wherever the frames are cut. */
export function unframe(): Transform {
  let header = Buffer.alloc(0);
  let rest = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.length; ) {
        if (rest === 0) {
          const part = chunk.subarray(at, at + 8 - header.length);
          header = Buffer.concat([header, part]);
          at += part.length;
          if (header.length < 8) break;
          rest = header.readUInt32BE(4);
          header = Buffer.alloc(0);
        } else {
          const part = chunk.subarray(at, at + rest);
          this.push(part);
          rest -= part.length;
          at += part.length;
        }
      }
      done();
    },
  });
}
