import { createServer } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import type { SshSession } from '../ssh/index.ts';
import { perTest } from '../testing/per-test.ts';
import { hasSshd } from '../testing/sshd.ts';
import { dialFailure } from './trouble.ts';

/** What a real sshd says when a connection can't be made, told apart. */
describe.skipIf(!hasSshd)('through a real sshd', () => {
  const { sshd, signedIn } = perTest();
  let closedPort: number;
  beforeEach(async () => {
    const server = createServer();
    closedPort = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const bound = server.address();
        server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : 0));
      });
    });
  });
  const codeOf = (on: SshSession, address: string, port: number) =>
    on.openTcp(address, port).then(
      (stream) => {
        stream.destroy();
        return 'open';
      },
      (error: unknown) => dialFailure(error, { address, port }).trouble.code,
    );

  test('it listens, nothing listens', async () => {
    const machine = await sshd();
    const on = await signedIn(machine);
    expect(await codeOf(on, '127.0.0.1', machine.port)).toBe('open');
    expect(await codeOf(on, '127.0.0.1', closedPort)).toBe('refused');
  });

  test.each(['AllowTcpForwarding no', 'DisableForwarding yes', 'PermitOpen none'])('%s', async (line) => {
    const machine = await sshd({ config: [line] });
    expect(await codeOf(await signedIn(machine), '127.0.0.1', machine.port)).toBe('forwarding');
  });
});
