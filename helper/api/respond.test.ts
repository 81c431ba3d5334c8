import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { sendList } from './respond.ts';

function sent(items: readonly object[]): unknown {
  let text = '';
  const response = { writeHead: () => response, end: (body: Buffer) => (text = body.toString()) };
  sendList(response as unknown as ServerResponse, items);
  return JSON.parse(text);
}

test('a list is written as its items are now, in their order, whatever was sent before', () => {
  const [a, b, c] = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  for (const items of [[a, b], [a, b], [b, a], [a], [], [a, b, c], [{ id: 'a' }, b, c]]) expect(sent(items)).toEqual(items);
});
