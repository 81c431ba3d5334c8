import { Transform } from 'node:stream';
import { FrameReader, frame as framed } from '../engine/containers/streams/index.ts';

const STREAMS = { stdin: 0, stdout: 1, stderr: 2, systemerr: 3 } as const;

/** One frame of a multiplexed stream, by the stream's name. */
export const frame = (stream: keyof typeof STREAMS, payload: Buffer): Buffer => framed(STREAMS[stream], payload);

/** The payloads of a multiplexed stream, one after the other, wherever the frames are cut. */
export function unframe(): Transform {
  const reader = new FrameReader();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const { data } of reader.read(chunk)) this.push(data);
      done();
    },
  });
}
