import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answers, MemorySecrets } from '../testing/ssh-answers.ts';
import { hasSshd, sshHome } from '../testing/sshd.ts';
import type { Ask } from './auth.ts';
import { connectSsh } from './connect.ts';
import type { SshSession } from './session.ts';

/** Machines that want to harm: made with ssh2's own server, bent where it is too polite. */
describe.skipIf(!hasSshd)('a hostile machine', () => {
  let folder: string;
  const toEnd: (() => void)[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-hostile-'));
  });
  afterEach(() => {
    for (const end of toEnd.splice(0)) end();
    rmSync(folder, { recursive: true, force: true });
  });

  async function meet(ask: Ask | undefined, serve: (connection: Connection) => void, banner = ''): Promise<SshSession> {
    const key = join(folder, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const server = new ssh2.Server({ hostKeys: [readFileSync(key)], banner }, (connection) => {
      connection.on('error', () => {});
      toEnd.push(() => connection.end());
      serve(connection);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    toEnd.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const files = await sshHome(folder, 'Host *\n  StrictHostKeyChecking no\n');
    writeFileSync(join(folder, '.ssh', 'known_hosts'), `[127.0.0.1]:${port} ${readFileSync(`${key}.pub`, 'utf8')}`);
    const options = { files, secrets: new MemorySecrets(), ask, signal: new AbortController().signal };
    const session = await connectSsh({ user: 'ada', host: '127.0.0.1', port }, options);
    toEnd.push(() => session.close());
    return session;
  }
  const welcome = (connection: Connection) => connection.on('authentication', (context) => context.accept());

  test('its questions are shown without escapes, shortened, and answered one by one', async () => {
    const ask = answers(['123456', 'blue']);
    await meet(ask, (connection) => {
      connection.on('authentication', (context) => {
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
        const prompts = [
          { prompt: '\u001b[2JCode: \u202e', echo: false },
          { prompt: `Colour${'?'.repeat(5000)}`, echo: true },
        ];
        context.prompt(prompts, 'Two\u0007 steps', 'Look at\r\nyour device', (given) =>
          given?.join() === '123456,blue' ? context.accept() : context.reject(),
        );
      });
    });
    expect(ask.asked).toEqual([
      {
        kind: 'interactive',
        machine: expect.stringMatching(/^ada@127/),
        title: 'Two steps',
        text: 'Look at\nyour device',
        prompts: [
          { text: '[2JCode: ', echo: false },
          { text: `Colour${'?'.repeat(494)}…`, echo: true },
        ],
        again: false,
        canRemember: false,
      },
    ]);
  });

  test('a password question within a second round is no password of ours', async () => {
    const ask = answers(['1'], ['2']);
    await meet(ask, (connection) => {
      connection.on('authentication', (context) => {
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
        context.prompt([{ prompt: 'Token: ', echo: true }], () =>
          context.prompt([{ prompt: 'Password for the bank: ', echo: false }], () => context.accept()),
        );
      });
    });
    expect(ask.asked.map(({ kind }) => kind)).toEqual(['interactive', 'interactive']);
  });

  test('a thousand questions at once are refused', async () => {
    const prompts = Array.from({ length: 1000 }, () => ({ prompt: '?', echo: true }));
    const meeting = meet(answers(), (connection) => {
      connection.on('authentication', (context) => {
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
        context.prompt(prompts, () => context.accept());
      });
    });
    await expect(meeting).rejects.toMatchObject({ error: { code: 'ssh-no-agreement' } });
  });

  test('more data than there is room for ends the connection', async () => {
    let flood: ServerChannel | undefined;
    const session = await meet(undefined, (connection) => {
      welcome(connection);
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec) => {
          flood = acceptExec();
          // A polite server waits for the window.
          (flood as unknown as { outgoing: { window: number } }).outgoing.window = Number.MAX_SAFE_INTEGER;
          for (let n = 0; n < 400; n += 1) flood.write(Buffer.alloc(30_000));
        });
      });
    });
    const lost = new Promise<Error>((resolve) => session.onClose(resolve));
    const stream = await session.openCommand('flood');
    stream.on('error', () => {});
    expect(await lost).toMatchObject({ error: { code: 'protocol' } });
  });

  test('one that says but seldom what it has taken gets all the same, slowly once and then not', async () => {
    let taken = 0;
    const session = await meet(undefined, (connection) => {
      welcome(connection);
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec) => {
          // ssh2's own server says nothing before a megabyte.
          const channel = acceptExec();
          channel.on('data', (chunk: Buffer) => {
            taken += chunk.length;
          });
          channel.on('end', () => {
            channel.exit(0);
            channel.end();
          });
        });
      });
    });
    const upload = async () => {
      const began = performance.now();
      taken = 0;
      await session.exec('take', { input: Buffer.alloc(3_000_000) });
      expect(taken).toBe(3_000_000);
      return performance.now() - began;
    };
    await upload();
    expect(await upload()).toBeLessThan(3000);
  }, 40_000);

  test('channels that it opens, and forwarding that it asks for, are refused', async () => {
    const refused: string[] = [];
    await meet(undefined, (connection) => {
      welcome(connection);
      connection.on('ready', () => {
        connection.forwardOut('127.0.0.1', 1, '127.0.0.1', 2, (error) => refused.push(error?.message ?? 'accepted'));
        connection.x11('127.0.0.1', 1, (error) => refused.push(error?.message ?? 'accepted'));
      });
    });
    await expect.poll(() => refused).toHaveLength(2);
    expect(refused.join()).not.toContain('accepted');
  });

  test('a banner of any size and content is no reason to fail', async () => {
    const session = await meet(undefined, welcome, `\u001b]0;title\u0007${'banner\n'.repeat(4000)}`);
    expect(session.closed).toBe(false);
  });
});
