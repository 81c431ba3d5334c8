import { afterEach } from 'vitest';
import { Sshd, type SshdOptions } from './sshd.ts';

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
  };
}
