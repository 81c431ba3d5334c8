import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { TerminalInfo } from '../ipc/contract.ts';
import type { SshSession } from '../ssh/index.ts';
import { FakePort } from '../testing/fake-port.ts';
import { perTest } from '../testing/per-test.ts';
import { hasSshd, type Sshd } from '../testing/sshd.ts';
import { startLocalShell, startSshShell } from './host-shell.ts';
import type { Session, Size } from './session.ts';
import { Terminals } from './terminals.ts';

let terminals: Terminals;
let shell: (size: Size) => Promise<Session>;
beforeEach(() => {
  const client = () => {
    throw new Error('the engine is not needed');
  };
  terminals = new Terminals({ client, shell: (_, size) => shell(size), onChange: () => {} });
});
afterEach(() => terminals.closeAll());

function open(): { id: string; port: FakePort } {
  const { id } = terminals.openOnHost({ hostId: 'h', cols: 90, rows: 20 });
  const port = new FakePort();
  terminals.view(id, port);
  port.send({ t: 'credit', bytes: 1e6 });
  return { id, port };
}
const becomes = (id: string, state: Partial<TerminalInfo['state']>) =>
  vi.waitFor(() => expect(terminals.list().find((one) => one.id === id)?.state).toMatchObject(state), { timeout: 10_000 });
const type = (port: FakePort, text: string) => port.send({ t: 'data', data: Buffer.from(`${text}\r`) });
const sees = (port: FakePort, text: RegExp) => vi.waitFor(() => expect(port.text).toMatch(text), { timeout: 10_000 });
/** Processes with this mark on their command line. */
const running = (mark: string) =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  });

async function works(mark: string): Promise<void> {
  const { id, port } = open();
  await becomes(id, { status: 'open' });
  type(port, 'echo "size $(stty size)" 你好');
  await sees(port, /size 20 90 你好/);
  port.send({ t: 'resize', cols: 120, rows: 40 });
  await vi.waitFor(
    async () => {
      type(port, 'echo "now $(stty size)"');
      expect(port.text).toMatch(/now 40 120/);
    },
    { timeout: 10_000, interval: 200 },
  );
  type(port, 'exit 7');
  await becomes(id, { status: 'ended', exitCode: 7 });
  terminals.reopen(id);
  await becomes(id, { status: 'open' });
  // What runs in it ends with its window.
  type(port, `sleep ${mark}`);
  await vi.waitFor(() => expect(running(`sleep\0${mark}`)).toHaveLength(1), { timeout: 10_000 });
  terminals.close(id);
  await vi.waitFor(() => expect(running(`sleep\0${mark}`)).toEqual([]), { timeout: 10_000 });
}

test.skipIf(process.platform !== 'linux')('a shell on this machine: text, size, exit code, the end', async () => {
  shell = startLocalShell;
  await works('98761');
});

test.skipIf(process.platform !== 'linux')(
  'Chinese text can be edited where no locale is set, as in the session of a display server',
  async () => {
    vi.stubEnv('LANG', undefined);
    shell = startLocalShell;
    const { id, port } = open();
    await becomes(id, { status: 'open' });
    await sees(port, /[#$] /);
    // Taken back by one key and typed again.
    type(port, 'echo "你好\x7f好 $LANG"');
    await sees(port, /^你好 C\.UTF-8/m);
    vi.unstubAllEnvs();
  },
);

describe.skipIf(!hasSshd)('over SSH', () => {
  const { sshd, signedIn } = perTest();
  let machine: Sshd;
  let session: SshSession;
  beforeEach(async () => {
    machine = await sshd();
    session = await signedIn(machine);
    shell = (size) => startSshShell(session, size);
  });

  test('a shell there: text, size, exit code, the end', async () => {
    await works('98762');
    await vi.waitFor(() => expect(session.processes).toBe(0));
  });

  test('a cut is said to be one', async () => {
    const { id } = open();
    await becomes(id, { status: 'open' });
    machine.signalSessions('SIGKILL');
    await becomes(id, { status: 'ended', exitCode: null, reason: 'disconnected' });
  });
});
