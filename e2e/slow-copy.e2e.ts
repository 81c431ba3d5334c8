import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { hasSshd } from '../electron/testing/sshd.ts';
import { eventually } from '../helper/tests/harness.ts';
import { application, ROOT } from './app.ts';
import { addMachine, nasWithPhotos } from './ssh-hosts.ts';
import { terminalOf } from './terminal.ts';
import { fillVolume, openTransfer, runOn } from './transfer-steps.ts';

/** A machine at the end of a line of 1 Mbit/s, 100 ms there and back. */

const { machine, engine } = nasWithPhotos();
const app = application();
let line: ChildProcess | undefined;
afterAll(() => line?.kill());

/** The same machine under another name, by the slow line. */
async function slowName(): Promise<string> {
  const near = machine();
  line = spawn(process.execPath, [path.join(ROOT, 'bench/app/line.mjs'), '0', String(near.port), '100', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(line.stdout as NodeJS.ReadableStream, 'data');
  const port = String(said).trim();
  const folder = path.join(process.env.HOME ?? '', '.ssh');
  const entry = ['Host far', `HostName ${near.address}`, `Port ${port}`, `User ${near.user}`, `IdentityFile ${near.path('user_key')}`];
  appendFileSync(path.join(folder, 'config'), `${entry.join('\n  ')}\n`);
  appendFileSync(path.join(folder, 'known_hosts'), near.knownLine().replace(String(near.port), port));
  return 'far';
}

it.skipIf(!hasSshd)('over a slow line: it is added, its list comes, its terminal answers', async () => {
  const { page, starter } = app();
  await starter();
  await addMachine(page, await slowName(), engine().socketPath);
  await page.getByTestId('nav-containers').click();
  const row = page.getByRole('row', { name: /photos/ });
  await row.getByText('running').waitFor();
  await row.getByTestId('row-shell').click();
  const terminal = terminalOf(page);
  await terminal.sees(/[#$]/);
  await terminal.type('echo slow $((6 * 7))');
  await terminal.sees(/^slow 42$/);
  await page.keyboard.press('Escape');
});

it.skipIf(!hasSshd)('a copy over it arrives whole, and one that is cancelled in the midst leaves nothing', async () => {
  const { page, engine: local, picture } = app();
  await page.getByTestId('nav-containers').click();
  await runOn(local, 'small', { HostConfig: { Binds: ['small-data:/data'] } });
  await openTransfer(page, /small/, 'copy-to');
  const dialog = page.getByTestId('transfer-dialog');
  await page.getByTestId('transfer-start').click();
  await dialog.getByText('Done', { exact: true }).waitFor({ timeout: 180_000 });
  await page.getByTestId('transfer-close').click();
  expect((await engine().client.get('/containers/small/json')).status).toBe(200);

  await runOn(local, 'large', { HostConfig: { Binds: ['large-data:/data'] } });
  await fillVolume(local, 'large-data', 20);
  await openTransfer(page, /large/, 'copy-to');
  await page.getByTestId('transfer-start').click();
  await page.getByTestId('transfer-progress').getByText(/MB of/).waitFor();
  await picture('transfer-slow');
  await page.getByTestId('transfer-cancel').click();
  await dialog.getByText('Cancelled; nothing of it is left on the target').waitFor({ timeout: 120_000 });
  await eventually('nothing of it to be there', async () => (await engine().client.get('/volumes/large-data')).status === 404);
  expect((await engine().client.get('/containers/large/json')).status).toBe(404);
  expect((await local.get('/containers/large/json')).json.State.Status).toBe('running');
});
