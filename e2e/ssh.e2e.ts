import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GUEST, hasSshd, mayHavePasswords, Sshd } from '../electron/testing/sshd.ts';
import { startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { starterImage } from '../scripts/starter-image.mjs';
import { application } from './app.ts';
import { shellAnswers, terminalOf } from './terminal.ts';

// The user's ~/.ssh is one of our own; what is cached stays where it is.
process.env.XDG_CACHE_HOME ??= path.join(homedir(), '.cache');
const home = mkdtempSync(path.join(tmpdir(), 'gantry-home-'));
process.env.HOME = home;
delete process.env.SSH_AUTH_SOCK;

const app = application();
let machine: Sshd;
let guarded: Sshd | undefined;
let engine: TestEngine;

beforeAll(async () => {
  if (!hasSshd) return;
  machine = await Sshd.start();
  if (mayHavePasswords) guarded = await Sshd.start({ guest: 'password' });
  engine = await startEngine({ image: false });
  const loaded = await engine.client.ask('POST', '/images/load?quiet=1', {
    body: readFileSync(await starterImage()),
    headers: { 'Content-Type': 'application/x-tar' },
  });
  expect(loaded.status).toBe(200);
  const { json } = await engine.client.post('/containers/create?name=photos', { Image: 'gantry/starter' });
  expect((await engine.client.post(`/containers/${json.Id}/start`)).status).toBe(204);
  mkdirSync(path.join(home, '.ssh'), { mode: 0o700 });
  writeFileSync(
    path.join(home, '.ssh', 'config'),
    [
      'HashKnownHosts no',
      `Host nas\n  HostName 127.0.0.1\n  Port ${machine.port}\n  User ${machine.user}\n  IdentityFile ${machine.path('user_key')}`,
      `Host attic\n  HostName 127.0.0.1\n  Port ${guarded?.port ?? 1}\n  User ${GUEST.name}`,
      `Host nowhere\n  HostName 127.0.0.1\n  Port 1\n`,
    ].join('\n'),
  );
});
afterAll(async () => {
  await engine?.stop();
  await guarded?.dispose();
  await machine?.dispose();
  rmSync(home, { recursive: true, force: true });
});

it.skipIf(!hasSshd)('adds a machine by typing its name, after showing its key; sees, reads and types there', async () => {
  const { page, pictures } = app();
  await page.getByTestId('nav-hosts').click();
  await page.getByTestId('add-host').click();
  await page.getByTestId('suggestion-nas').waitFor();
  await pictures('ssh-add');
  await page.getByTestId('add-host-path').fill('nas');
  await page.keyboard.press('Enter');

  // The key, readably.
  const printed = execFileSync('ssh-keygen', ['-lf', machine.path('host_key.pub')], { encoding: 'utf8' }).split(' ')[1] ?? '';
  await page.getByTestId('question-hostKey').getByText(printed).waitFor();
  await pictures('ssh-key');
  await app().guide('hosts-key');
  await page.getByTestId('answer-yes').click();
  const steps = page.getByTestId('connect-steps');
  await steps.getByText(`Signed in as ${machine.user} with ${machine.path('user_key')}`).waitFor();
  expect(readFileSync(path.join(home, '.ssh', 'known_hosts'), 'utf8')).toBe(machine.knownLine());

  // Ours lies at an unusual place.
  await page.getByTestId('other-socket').fill(engine.socketPath);
  await page.keyboard.press('Enter');
  await page.getByTestId('engines').getByText(engine.socketPath).click();
  await pictures('ssh-engines');
  await page.getByTestId('add-host-name').fill('nas');
  await page.keyboard.press('Enter');
  const card = page.getByTestId(/^host-h/).filter({ hasText: 'nas' });
  await card.getByText('connected').waitFor();
  await card.getByRole('button', { name: 'nas', exact: true }).click();
  await page.getByTestId('detail').getByText('1 of 1 running').waitFor();
  await pictures('ssh-host');

  await page.getByTestId('nav-containers').click();
  const row = page.getByRole('row', { name: /photos/ });
  await row.getByText('running').waitFor();
  await row.getByTestId('row-logs').click();
  await page.getByTestId('detail').getByTestId('logs').getByText('the page is served').waitFor();
  await shellAnswers(page);
});

it.skipIf(!hasSshd)('a cut: the last data stay, marked; the terminal offers to go on; it comes back by itself', async () => {
  const { page, pictures } = app();
  // Refused until it may come back, so that there is time to look.
  await machine.stop();
  await page.getByText('connecting again').waitFor();
  await page.getByRole('row', { name: /photos/ }).waitFor();
  await page.getByTestId('terminal-reopen').waitFor();
  await pictures('ssh-reconnecting');
  await machine.listen();
  await page.getByText('connecting again').waitFor({ state: 'hidden', timeout: 30_000 });
  const row = page.getByRole('row', { name: /photos/ });
  await row.getByTestId('row-stop').click();
  await row.getByText('exited').waitFor();
  await row.getByTestId('row-start').click();
  await row.getByText('running').waitFor();
  await page.getByTestId('terminal-reopen').click();
  await page.getByTestId('terminal-reopen').waitFor({ state: 'hidden' });
  const terminal = terminalOf(page);
  await terminal.place.click();
  await expect.poll(async () => (await terminal.screen()).filter(Boolean).at(-1), { timeout: 10_000 }).toMatch(/[#$] ?$/);
  await terminal.type('echo again $((40 + 2))');
  await terminal.sees(/^again 42$/);
});

it.skipIf(!mayHavePasswords)('a password in its place, wrong and right; nobody there; a changed key', async () => {
  const { page, pictures } = app();
  await page.getByTestId('nav-hosts').click();
  await page.getByTestId('add-host').click();
  await page.getByTestId('suggestion-nowhere').click();
  await page.getByText('No SSH server listens at 127.0.0.1:1').waitFor();
  await pictures('ssh-refused');
  await page.getByTestId('add-host-path').fill('attic');
  await page.keyboard.press('Enter');
  await page.getByTestId('answer-yes').click();
  await page.getByTestId('answer-0').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('The machine did not accept this password').waitFor();
  await pictures('ssh-password');
  await page.getByTestId('answer-0').fill(GUEST.password);
  await page.keyboard.press('Enter');
  // Signed in, and may not use root's engine.
  await page.getByText(`Signed in as ${GUEST.name} with a password`).waitFor();
  execFileSync('chmod', ['755', engine.folder]);
  await page.getByTestId('other-socket').fill(engine.socketPath);
  await page.keyboard.press('Enter');
  await page.getByText(`It runs, but ${GUEST.name} may not use its socket.`).waitFor();
  await pictures('ssh-permission');
  await page.keyboard.press('Escape');

  await machine.stop();
  machine.newKey('host_key');
  await machine.listen();
  const card = page.getByTestId(/^host-h/).filter({ hasText: 'nas' });
  await card.getByText(/nas:\d+ shows another key than before/).waitFor({ timeout: 60_000 });
  await card.getByText(`sed -i 1d ${path.join(home, '.ssh', 'known_hosts')}`).waitFor();
  await pictures('ssh-changed-key');
  // What was typed is in no file.
  const { stdout, status } = spawnSync('grep', ['-rlF', GUEST.password, app().folder], { encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
});
