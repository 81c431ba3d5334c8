import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAddress } from '../ssh/address.ts';
import { connectSsh, type SshSession } from '../ssh/index.ts';
import { MemorySecrets } from '../testing/ssh-answers.ts';
import { hasSshd, Sshd, type SshdOptions, sshHome } from '../testing/sshd.ts';
import { dialFailure } from './trouble.ts';

/** What a real sshd says when a connection can't be made, told apart. */
describe.skipIf(!hasSshd)('through a real sshd', () => {
  let machine: Sshd;
  let session: SshSession | undefined;
  afterEach(async () => {
    session?.close();
    await machine?.dispose();
  });
  async function signIn(options?: SshdOptions): Promise<SshSession> {
    machine = await Sshd.start(options);
    const config = `Host *\n  User ${machine.user}\n  IdentityFile ${machine.path('user_key')}\n`;
    const files = await sshHome(machine.path('home'), config, machine.knownLine());
    const address = parseAddress(`${machine.address}:${machine.port}`);
    session = await connectSsh(address, { files, secrets: new MemorySecrets(), ask: undefined, signal: new AbortController().signal });
    return session;
  }
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
    const on = await signIn();
    expect(await codeOf(on, '127.0.0.1', machine.port)).toBe('open');
    expect(await codeOf(on, '127.0.0.1', closedPort)).toBe('refused');
  });

  test.each(['AllowTcpForwarding no', 'DisableForwarding yes', 'PermitOpen none'])('%s', async (line) => {
    expect(await codeOf(await signIn({ config: [line] }), '127.0.0.1', machine.port)).toBe('forwarding');
  });
});
