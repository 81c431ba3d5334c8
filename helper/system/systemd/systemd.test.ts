import { describe, expect, it } from 'vitest';
import { takePassedSockets } from './activation.ts';

describe('socket activation', () => {
  it('takes the sockets that are meant for this process, with their names, and leaves nothing for children', () => {
    const env = { LISTEN_PID: '42', LISTEN_FDS: '2', LISTEN_FDNAMES: 'api:', PATH: '/bin' };
    expect(takePassedSockets(env, 42)).toEqual([
      { fd: 3, name: 'api' },
      { fd: 4, name: 'unknown' },
    ]);
    expect(env).toEqual({ PATH: '/bin' });
  });

  it.each([{}, { LISTEN_PID: '41', LISTEN_FDS: '1' }, { LISTEN_PID: '42' }, { LISTEN_PID: '42', LISTEN_FDS: 'x' }])(
    'takes none of %j',
    (env) => expect(takePassedSockets(env, 42)).toEqual([]),
  );
});
