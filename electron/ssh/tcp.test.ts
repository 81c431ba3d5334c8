import { once } from 'node:events';
import { expect, test } from 'vitest';
import { dialCommand } from './tcp.ts';

test.each(['true', 'echo hello', 'kill -9 $$'])('a ProxyCommand that ends without an error ends the connection: %s', async (command) => {
  const stream = dialCommand(`sh -c '${command}'`);
  let heard = '';
  stream.on('data', (chunk) => (heard += chunk));
  await once(stream, 'close');
  expect(stream.writable).toBe(false);
  expect(heard).toBe(command.startsWith('echo') ? 'hello\n' : '');
});

test('one that fails says with which code', async () => {
  const stream = dialCommand("sh -c 'exit 3'");
  stream.resume();
  const [error] = await once(stream, 'error');
  expect(error.message).toContain('ended with code 3');
});
