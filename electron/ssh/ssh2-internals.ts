import type { Client } from 'ssh2';
import type { RawChannel } from './channel-stream.ts';

/**
 * What this app needs of ssh2 and its interface does not give. Each is looked for before it is used, and the tests beside connect.ts
 * fail if a new version has it no longer.
 */
interface Inside {
  _protocol?: {
    _handlers?: { USERAUTH_FAILURE?: (protocol: unknown, methods: string[], partial: boolean) => void };
  };
}

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
