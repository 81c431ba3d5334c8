import { afterEach } from 'vitest';
import { parseAddress } from '../ssh/address.ts';
import { connectSsh, type SshSession } from '../ssh/index.ts';
import { MemorySecrets } from './ssh-answers.ts';
import { Sshd, type SshdOptions, sshHome } from './sshd.ts';

/** What a test starts, for a file's tests: it ends after each, the last first. */
export function perTest() {
  const started: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of started.splice(0).reverse()) await end();
  });
  const defer = (end: () => unknown): void => {
    started.push(end);
  };
  return {
    defer,
    async sshd(options?: SshdOptions): Promise<Sshd> {
      const server = await Sshd.start(options);
      defer(() => server.dispose());
      return server;
    },
    /** Signed in to it with the user's key. */
    async signedIn(server: Sshd): Promise<SshSession> {
      const config = `Host *\n  User ${server.user}\n  IdentityFile ${server.path('user_key')}\n`;
      const files = await sshHome(server.path('home'), config, server.knownLine());
      const { signal } = new AbortController();
      const session = await connectSsh(parseAddress(`${server.address}:${server.port}`), {
        files,
        secrets: new MemorySecrets(),
        ask: undefined,
        signal,
      });
      defer(() => session.close());
      return session;
    },
  };
}
