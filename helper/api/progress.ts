import type { ProgressMessage } from '../contract/docker/index.ts';
import { messageOf } from '../engine/failure.ts';
import type { Call } from './call.ts';
import { sendTexts } from './respond.ts';

/**
 * Streams progress as JSON lines ended by \r\n. A failure before the first message is a status; a later one becomes the last
 * line, `{"errorDetail":{"message":…},"error":…}`, since the 200 has been sent.
 */
export async function sendProgress(call: Call, messages: AsyncIterable<ProgressMessage>): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  const first = await iterator.next();
  call.response.writeHead(200, { 'Content-Type': 'application/json' });
  await sendTexts(call, lines(first, iterator, call));
}

/** The same for `load`, of which clients expect a 200 and every failure in the stream. */
export async function sendProgressAlways(call: Call, messages: Promise<AsyncIterable<ProgressMessage>>): Promise<void> {
  call.response.writeHead(200, { 'Content-Type': 'application/json' });
  const iterator = deferred(messages);
  await sendTexts(call, lines(undefined, iterator, call));
}

async function* deferred(messages: Promise<AsyncIterable<ProgressMessage>>): AsyncGenerator<ProgressMessage> {
  yield* await messages;
}

async function* lines(
  first: IteratorResult<ProgressMessage> | undefined,
  iterator: AsyncIterator<ProgressMessage>,
  call: Call,
): AsyncGenerator<string> {
  try {
    for (let result = first ?? (await iterator.next()); !result.done; result = await iterator.next())
      yield `${JSON.stringify(result.value)}\r\n`;
  } catch (error) {
    if (call.signal.aborted) return;
    const message = messageOf(error);
    call.log.debug('stream ended with an error', { path: call.request.url, error: message });
    yield `${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`;
  } finally {
    await iterator.return?.();
  }
}
