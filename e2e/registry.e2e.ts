import { afterAll, beforeAll, expect, it } from 'vitest';
import { application } from './app.ts';
import { type Registry, startRegistry } from './registry.ts';

const app = application();
let registry: Registry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry?.stop());

it('pulls from a registry with a login, watches the layers, cancels, pulls again, and runs it', async () => {
  const { page, pictures, engine } = app();
  const reference = await registry.push('team/web:1.2', '<h1>From the registry</h1>');
  registry.speed(400_000);
  await page.getByTestId('nav-images').click();
  await page.getByTestId('pull').click();
  const dialog = page.getByTestId('pull-dialog');

  // Without a login the registry refuses, and the way to log in is one click.
  await page.getByTestId('pull-reference').fill(reference);
  await page.getByTestId('pull-start').click();
  await dialog.getByRole('alert').waitFor();
  await pictures('pull-refused');
  await page.getByTestId('pull-login').click();
  await page.getByTestId('pull-username').fill(registry.username);
  await page.getByTestId('pull-password').fill('not this one');
  await page.getByTestId('pull-start').click();
  await dialog.getByRole('alert').waitFor();
  await page.getByTestId('pull-login').click();
  await expect.poll(() => page.getByTestId('pull-username').inputValue()).toBe(registry.username);
  await page.getByTestId('pull-password').fill(registry.password);
  await page.keyboard.press('Enter');

  // Progress a layer, and its end on demand.
  const layers = dialog.getByTestId('pull-progress').getByRole('listitem');
  await expect.poll(() => layers.count()).toBe(5);
  await expect
    .poll(async () => (await layers.allTextContents()).filter((text) => /\d+(\.\d+)? (kB|MB) \/ 3(\.\d+)? MB/.test(text)).length)
    .toBeGreaterThan(1);
  const bars = layers.getByRole('progressbar');
  const now = async () => Number((await bars.last().getAttribute('aria-valuenow')) ?? 0);
  const first = await now();
  await expect.poll(now).toBeGreaterThan(first);
  await dialog.getByText('B/s').waitFor();
  await pictures('pull-progress');
  await page.getByTestId('pull-cancel').click();
  await dialog.getByText('Cancelled').waitFor();
  expect((await engine.get(`/images/${reference}/json`)).status).toBe(404);

  // Again, in the background; the status bar knows of it.
  await page.getByTestId('pull-again').click();
  await page.getByTestId('pull-password').fill(registry.password);
  await page.keyboard.press('Enter');
  await expect.poll(() => layers.count()).toBe(5);
  await page.getByTestId('pull-background').click();
  await page.getByTestId('activities').click();
  await page
    .getByRole('dialog', { name: 'Activities' })
    .getByRole('button', { name: /Pulling/ })
    .click();
  registry.speed(Number.POSITIVE_INFINITY);
  await page.getByTestId('pull-run').click();

  // The form knows what the image exposes.
  await page.getByTestId('run-name').fill('web');
  const port = Number(await page.getByTestId('run-port-host-0').inputValue());
  expect(port).toBeGreaterThan(0);
  await page.getByTestId('run-submit').click();
  await page.getByRole('row', { name: /web/ }).getByText('running').waitFor();
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('<h1>From the registry</h1>');
});
