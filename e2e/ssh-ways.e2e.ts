import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, it } from 'vitest';
import { GUEST, hasSshd, mayHavePasswords, Sshd } from '../electron/testing/sshd.ts';
import { application } from './app.ts';
import { ownHome } from './ssh-hosts.ts';

const PASSPHRASE = 'open, sesame';
const home = ownHome();
const app = application();
const machines: Record<string, Sshd> = {};
let agent: ChildProcess | undefined;

beforeAll(async () => {
  if (!mayHavePasswords) return;
  machines.gate = await Sshd.start();
  machines.six = await Sshd.start({ address: '::1' });
  machines.asking = await Sshd.start({ guest: 'interactive' });
  machines.inner = await Sshd.start();
  machines.deep = await Sshd.start();
  const { gate, six, asking, inner, deep } = machines as Record<string, Sshd>;
  if (!gate || !six || !asking || !inner || !deep) throw new Error('not all machines run');
  gate.newKey('locked', { passphrase: PASSPHRASE });
  gate.newKey('held');
  gate.allow('user_key', 'locked', 'held');
  const ssh = path.join(home.folder, '.ssh');
  mkdirSync(ssh, { mode: 0o700, recursive: true });
  // The usual name, which nobody has to tell.
  cpSync(gate.path('user_key'), path.join(ssh, 'id_ed25519'));
  six.allow('user_key');
  writeFileSync(six.path('authorized_keys'), execFileSync('cat', [gate.path('user_key.pub')]));
  const socket = gate.path('agent');
  agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  for (let tries = 0; !existsSync(socket) && tries < 200; tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  execFileSync('ssh-add', ['-q', gate.path('held')], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });

  const host = (name: string, machine: Sshd, ...lines: string[]) =>
    [`Host ${name}`, `HostName ${machine.address}`, `Port ${machine.port}`, ...lines].join('\n  ');
  writeFileSync(
    path.join(ssh, 'config'),
    [
      host('locked', gate, 'IdentitiesOnly yes', `IdentityFile ${gate.path('locked')}`),
      host('held', gate, `IdentityAgent ${socket}`, 'IdentityFile none'),
      host('asking', asking, `User ${GUEST.name}`),
      host('gate', gate, `IdentityFile ${gate.path('user_key')}`),
      host('inner', inner, `IdentityFile ${inner.path('user_key')}`, 'ProxyJump gate'),
      host('deep', deep, `IdentityFile ${deep.path('user_key')}`, 'ProxyJump inner'),
      host('chained', deep, `IdentityFile ${deep.path('user_key')}`, 'ProxyJump gate,inner'),
      '',
    ].join('\n'),
  );
  writeFileSync(
    path.join(ssh, 'known_hosts'),
    Object.values(machines)
      .map((machine) => machine.knownLine())
      .join(''),
  );
});
afterAll(async () => {
  agent?.kill();
  for (const machine of Object.values(machines)) await machine.dispose();
  home.remove();
});

/** What a user types, and Enter; the steps of the test. The dialog is left again afterwards. */
async function connecting(
  typed: string,
  work: (steps: ReturnType<ReturnType<typeof app>['page']['getByTestId']>) => Promise<void>,
): Promise<void> {
  const { page } = app();
  await page.getByTestId('nav-hosts').click();
  await page.getByTestId('add-host').click();
  await page.getByTestId('add-host-path').fill(typed);
  await page.keyboard.press('Enter');
  await work(page.getByTestId('connect-steps'));
  await page.keyboard.press('Escape');
  await page.getByTestId('add-host-path').waitFor({ state: 'hidden' });
}
const machine = (name: string): Sshd => machines[name] as Sshd;
const answer = async (text: string): Promise<void> => {
  await app().page.getByTestId('answer-0').fill(text);
  await app().page.keyboard.press('Enter');
};

it.skipIf(!mayHavePasswords)('user@host with a port: the key by its usual name; an IPv6 address, too', async () => {
  for (const name of ['gate', 'six']) {
    const { user, address, port } = machine(name);
    const typed = address.includes(':') ? `${user}@[${address}]:${port}` : `${user}@${address}:${port}`;
    await connecting(typed, (steps) => steps.getByText(new RegExp(`Signed in as ${user} with .*/\\.ssh/id_ed25519`)).waitFor());
  }
});

it.skipIf(!mayHavePasswords)('a locked key: its passphrase is asked for, wrong and right', async () => {
  const { page, pictures } = app();
  await connecting('locked', async (steps) => {
    await page.getByText(`Passphrase of ${machine('gate').path('locked')}`).waitFor();
    await answer('wrong');
    await page.getByText('This passphrase does not open the key.').waitFor();
    await pictures('ssh-passphrase');
    await answer(PASSPHRASE);
    await steps.getByText(`Signed in as ${machine('gate').user} with ${machine('gate').path('locked')}`).waitFor();
  });
});

it.skipIf(!mayHavePasswords)('a key that only the agent has', async () => {
  await connecting('held', (steps) => steps.getByText(`Signed in as ${machine('gate').user} with the agent's key test held`).waitFor());
});

it.skipIf(!mayHavePasswords)('a password that the machine asks for by itself (keyboard-interactive)', async () => {
  const { page, pictures } = app();
  await connecting('asking', async (steps) => {
    await page.getByTestId('question-password').waitFor();
    await pictures('ssh-interactive');
    await answer(GUEST.password);
    await steps.getByText(`Signed in as ${GUEST.name}`).waitFor();
  });
});

it.skipIf(!hasSshd || !mayHavePasswords)('through one machine, and through several', async () => {
  const { pictures } = app();
  await connecting('inner', (steps) =>
    steps.getByText(`Signed in as ${machine('inner').user} with ${machine('inner').path('user_key')}`).waitFor(),
  );
  for (const name of ['deep', 'chained']) {
    await connecting(name, async (steps) => {
      for (const each of ['gate', 'inner', 'deep']) {
        await steps.getByText(`Signed in as ${machine(each).user} with ${machine(each).path('user_key')}`).waitFor();
      }
      if (name === 'deep') await pictures('ssh-jumps');
    });
  }
});
