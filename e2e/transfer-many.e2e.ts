import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { application } from './app.ts';
import { expectAccessible } from './axe.ts';
import { addEngine, fillVolume, runOn } from './transfer-steps.ts';

const app = application();
let second: TestEngine;
beforeAll(async () => {
  second = await startEngine({ image: false });
});
afterAll(() => second?.stop());

it('several rows are dragged as one: one preview, one after the other, what they share travels once', async () => {
  const { page, engine, starter, pictures } = app();
  await starter();
  await addEngine(page, 'second', second.socketPath);
  await runOn(engine, 'web', { HostConfig: { Binds: ['shared:/data'] } });
  await runOn(engine, 'worker', { HostConfig: { Binds: ['shared:/data'] } });
  await runOn(engine, 'other');
  await fillVolume(engine, 'shared', 2);
  await page.getByTestId('nav-containers').click();
  const cell = (name: string) => page.locator('[data-key^="local/"]').getByText(name, { exact: true });
  for (const name of ['web', 'worker'])
    await page
      .getByRole('row', { name: new RegExp(name) })
      .getByRole('checkbox')
      .check();

  const from = await cell('worker').boundingBox();
  if (!from) throw new Error('no row to drag');
  const there = page.getByTestId('drop-hosts').getByText('second');
  await page.mouse.move(from.x + 8, from.y + 8);
  await page.mouse.down();
  await page.mouse.move(from.x + 20, from.y + 14, { steps: 4 });
  await there.waitFor();
  await page.getByTestId('drop-hosts').getByText('Copy 2 containers to').waitFor();
  const onto = await there.boundingBox();
  if (!onto) throw new Error('no host to drop on');
  await page.mouse.move(onto.x + 8, onto.y + 8, { steps: 6 });
  await page.mouse.up();

  const dialog = page.getByTestId('transfer-dialog');
  await dialog.getByText('Copy 2 containers to another host').waitFor();
  await dialog.getByText('To travel: 2 of 2').waitFor();
  await expectAccessible(page);
  await pictures('transfer-many');
  await page.getByTestId('transfer-start').click();
  await dialog.getByText('2 of 2 are on second').waitFor({ timeout: 90_000 });
  await expectAccessible(page);
  await pictures('transfer-many-done');
  await page.getByTestId('transfer-close').click();
  const { json } = await second.client.get('/containers/json?all=1');
  expect(json.map(({ Names }: { Names: string[] }) => Names[0]).sort()).toEqual(['/web', '/worker']);
  const places = await Promise.all([engine, second.client].map(async (each) => (await each.get('/volumes/shared')).json.Mountpoint));
  execFileSync('cmp', [`${places[0]}/file`, `${places[1]}/file`]);

  // They stay in the list of activities.
  await page.getByTestId('activities').click();
  await page.getByRole('button', { name: /2 containers.*2 of 2 are on second/ }).click();
  await dialog.getByText('2 of 2 are on second').waitFor();
  await page.keyboard.press('Escape');
});

it('by the button of a selection, too; what is taken there is said and left out', async () => {
  const { page, engine } = app();
  for (const name of ['alpha', 'beta', 'gamma']) await engine.post('/volumes/create', { Name: name });
  await second.client.post('/volumes/create', { Name: 'beta' });
  await page.getByTestId('nav-volumes').click();
  for (const name of ['alpha', 'beta', 'gamma'])
    await page.locator('[data-key^="local/"]').filter({ hasText: name }).getByRole('checkbox').check();
  await page.getByTestId('bulk-copy').click();
  const dialog = page.getByTestId('transfer-dialog');
  await dialog.getByText('Copy 3 volumes to another host').waitFor();
  await dialog.getByText('its name is taken there').waitFor();
  await dialog.getByText('To travel: 2 of 3').waitFor();
  await page.keyboard.press('Enter');
  await dialog.getByText('2 of 2 are on second').waitFor({ timeout: 60_000 });
  await page.keyboard.press('Escape');
  const there = (await second.client.get('/volumes')).json.Volumes.map(({ Name }: { Name: string }) => Name).sort();
  expect(there).toEqual(['alpha', 'beta', 'gamma', 'shared']);
});

it('goes on when the window is loaded anew; the app is killed in its midst, and the next start goes on with it by a click', async () => {
  const { engine, kill, start } = app();
  const dialog = () => app().page.getByTestId('transfer-dialog');
  for (const name of ['large', 'small']) await engine.post('/volumes/create', { Name: name });
  await app().page.reload();
  await app().page.getByTestId('nav-volumes').click();
  for (const name of ['large', 'small'])
    await app().page.locator('[data-key^="local/"]').filter({ hasText: name }).getByRole('checkbox').check();
  await app().page.getByTestId('bulk-copy').click();
  await dialog().getByText('To travel: 2 of 2').waitFor();
  process.kill(second.pid, 'SIGSTOP');
  try {
    await app().page.keyboard.press('Enter');
    await dialog().getByText('0 of 2 are on second').waitFor();
    await app().page.reload();
    await app().page.getByTestId('activities').click();
    await app()
      .page.getByRole('button', { name: /2 volumes.*0 of 2 are on second/ })
      .waitFor();
    await kill();
  } finally {
    process.kill(second.pid, 'SIGCONT');
  }
  await start();
  const toast = app().page.getByTestId('toast').filter({ hasText: 'The copy of 2 volumes was interrupted' });
  await toast.getByRole('button', { name: 'Details' }).click();
  await app().page.getByTestId('transfer-go-on').click();
  await dialog().getByText('2 of 2 are on second').waitFor({ timeout: 60_000 });
  await app().page.keyboard.press('Escape');
});
