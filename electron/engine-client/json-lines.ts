import type { Readable } from 'node:stream';
import { ProtocolError } from './errors.ts';
import { LineSplitter } from './lines.ts';

const LIMIT_BYTES = 1024 * 1024;

/**
 * Reads a stream of JSON values, one a line, as events and progress come.
 *
 * @throws ProtocolError for a line that is no JSON or longer than 1 MiB
 */
export async function* jsonLines(stream: Readable): AsyncGenerator<unknown, void> {
  const splitter = new LineSplitter(LIMIT_BYTES);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (const line of splitter.push(chunk)) {
      if (!line.ended) throw new ProtocolError(`a line of the answer is longer than ${LIMIT_BYTES} bytes`);
      if (line.data.length > 0) yield parse(line.data);
    }
  }
  const rest = splitter.flush();
  if (rest && rest.data.length > 0) yield parse(rest.data);
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch (cause) {
    throw new ProtocolError('a line of the answer is not JSON', { cause });
  }
}
