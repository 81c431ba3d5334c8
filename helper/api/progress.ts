import type { ProgressMessage } from '../contract/docker.ts';
import { messageOf } from '../engine/failure.ts';
import type { Call } from './call.ts';
import { sendTexts } from './respond.ts';

/**
 * Streams progress as JSON lines ended by \r\n. A failure before the first message is a status; a later one becomes the last
 * line, `{"errorDetail":{"message":…},"error":…}`, since the 200 has been sent.
 */
export async function sendProgress(call: Call, messages: AsyncIterable<ProgressMessage>, contentType = 'application/json'): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  const first = await iterator.next();
  call.response.writeHead(200, { 'Content-Type': contentType });
  await sendTexts(call, lines(first, iterator, call));
}

async function* lines(
  first: IteratorResult<ProgressMessage>,
  iterator: AsyncIterator<ProgressMessage>,
  call: Call,
): AsyncGenerator<string> {
  try {
    for (let result = first; !result.done; result = await iterator.next()) yield `${JSON.stringify(result.value)}\r\n`;
  } catch (error) {
    if (call.signal.aborted) return;
    const message = messageOf(error);
    call.log.debug('stream ended with an error', { path: call.request.url, error: message });
    yield `${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`;
  } finally {
    await iterator.return?.();
  }
}
