import os from 'node:os';
import { afterAll, expect, it } from 'vitest';
import { hasSshd } from '../electron/testing/sshd.ts';
import { application } from './app.ts';
import { isInstalled, type Peer, startPeer } from './peers.ts';
import { addMachine, nasWithPhotos } from './ssh-hosts.ts';
import { terminalOf } from './terminal.ts';

const { engine } = nasWithPhotos();
const app = application();
let nas: string;
const peers: Peer[] = [];

afterAll(async () => {
  for (const peer of peers) await peer.stop();
});

it.skipIf(!hasSshd)('a machine over SSH: what it is, what it uses, how its engine is', async () => {
  const { page, pictures, picture, resize } = app();
  nas = await addMachine(page, 'nas', engine().socketPath);
  await page.getByTestId(`host-open-${nas}`).click();
  const detail = page.getByTestId('detail');
  const gauges = page.getByTestId('machine');
  await gauges
    .getByText(/^\d+ %$/)
    .first()
    .waitFor();
  await gauges.getByText(/^load \d/).waitFor();
  await gauges.getByText(`of ${(os.totalmem() / 2 ** 30).toPrecision(3).replace(/\.?0+$/, '')} GiB`).waitFor();
  await gauges.getByRole('meter', { name: 'Disk /' }).first().waitFor();
  for (const fact of [os.hostname(), os.release(), /^\d+ ms$/, /^1 of 1 running$/, /^crun$/])
    await detail.getByText(fact).first().waitFor();
  await detail.getByText(/images [\d.]+ MB, containers/).waitFor();
  // Some time for the lines.
  await expect
    .poll(async () => ((await gauges.locator('.sparkline-line').first().getAttribute('d')) ?? '').split('L').length, { timeout: 30_000 })
    .toBeGreaterThan(3);
  await pictures('host-page');
  await app().guide('hosts-page');
  await resize(900, 800);
  await picture('host-page-narrow');
  await resize(1440, 900);
});

it.skipIf(!hasSshd)('a shell on the machine, with its window’s size; it ends, and another begins', async () => {
  const { page, pictures } = app();
  await page.getByTestId('tab-shell').click();
  await pictures('host-shell-none');
  await page.getByTestId('host-shell-open').click();
  const terminal = terminalOf(page);
  await terminal.sees(/[#$] ?$/);
  await terminal.type('echo "in $SSH_CONNECTION"');
  await terminal.sees(/^in 127\.0\.0\.1 /);
  await terminal.type('stty size');
  const [, , cols] = await terminal.sees(/^(\d+) (\d+)$/);
  expect(Number(cols)).not.toBe(100);
  await pictures('host-shell');
  await terminal.type('exit 3');
  await page.getByText('Ended, code 3').waitFor();
  await page.getByTestId('terminal-reopen').click();
  await page.getByTestId('terminal-reopen').waitFor({ state: 'hidden' });
  await terminal.sees(/[#$] ?$/);
  // It lives in the app, not in the view.
  await page.getByTestId('nav-containers').click();
  await page.getByTestId('toggle-dock').click();
  await page.getByTestId('dock').getByText('shell · nas').waitFor();
  await terminalOf(page).place.click();
  await terminalOf(page).type('echo still $((40 + 2))');
  await terminalOf(page).sees(/^still 42$/);
  await page.getByTestId('toggle-dock').click();
});

it('this machine: the same, read directly; a shell of one’s own', async () => {
  const { page } = app();
  await page.getByTestId('nav-hosts').click();
  await page.getByTestId('host-open-local').click();
  await page
    .getByTestId('machine')
    .getByText(/^load \d/)
    .waitFor();
  // By the keyboard alone.
  await page.keyboard.press('Control+k');
  await page.getByTestId('palette-input').fill('shell on host local');
  await page.keyboard.press('Enter');
  await page.getByTestId('host-shell-open').click();
  const terminal = terminalOf(page);
  await terminal.sees(/[#$] ?$/);
  await terminal.type('echo 你好 from $((6 * 7))');
  await terminal.sees(/^你好 from 42$/);
  await page.getByRole('button', { name: 'Close this terminal' }).click();
  await page.getByTestId('host-shell-open').waitFor();
});

for (const [name, part] of [
  ['dockerd', /^containerd$/],
  ['podman', /^Podman \d/],
] as const) {
  it.skipIf(!isInstalled(name))(`the page of a host with ${name}`, async () => {
    const { page, picture } = app();
    const peer = await startPeer(name);
    peers.push(peer);
    await page.getByTestId('nav-hosts').click();
    await page.getByTestId('add-host').click();
    await page.getByTestId('add-host-path').fill(peer.socket);
    await page.getByTestId('add-host-name').fill(name);
    await page.getByTestId('add-host-submit').click();
    await page
      .getByTestId(/^host-h/)
      .filter({ hasText: name })
      .getByTestId(/^host-open/)
      .click();
    const detail = page.getByTestId('detail');
    await page
      .getByTestId('machine')
      .getByText(/^load \d/)
      .waitFor();
    for (const fact of [os.release(), part, /^\d+ ms$/, /images [\d.]+ [kM]B, containers/]) await detail.getByText(fact).first().waitFor();
    await picture(`host-page-${name}`);
  });
}
