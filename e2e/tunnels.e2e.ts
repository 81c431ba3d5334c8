import { connect } from 'node:net';
import type { Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import { hasSshd } from '../electron/testing/sshd.ts';
import { application } from './app.ts';
import { addMachine, nasWithPhotos } from './ssh-hosts.ts';

const { machine, engine } = nasWithPhotos({ attic: ['PermitOpen none'] });
const app = application();

async function portOf(place: Locator): Promise<number> {
  const text = (await place.textContent()) ?? '';
  return Number(/localhost:(\d+)/.exec(text)?.[1] ?? Number.NaN);
}
const pageAt = async (port: number) => (await fetch(`http://localhost:${port}/`)).text();
const isClosed = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(true));
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });

it.skipIf(!hasSshd)(
  'a port of a container on another machine, unpublished, on localhost by a click; in the browser by another',
  async () => {
    const { page, pictures, electron } = app();
    await electron.evaluate(({ shell }) => {
      const opened: string[] = [];
      Object.assign(globalThis, { opened });
      shell.openExternal = async (url) => void opened.push(url);
    });
    await addMachine(page, 'nas', engine().socketPath);
    await page.getByTestId('nav-containers').click();
    await page.getByRole('row', { name: /photos/ }).click();
    await page.getByTestId('tab-ports').click();
    await page.getByTestId('tunnel-start-80').click();
    const address = page.getByTestId('tunnel-open-80');
    const port = await portOf(address);
    expect(await pageAt(port)).toContain('<html');
    await address.click();
    expect(await electron.evaluate(() => (globalThis as unknown as { opened: string[] }).opened)).toEqual([`http://localhost:${port}`]);
    await page.getByRole('button', { name: 'Copy address' }).click();
    expect(await electron.evaluate(({ clipboard }) => clipboard.readText())).toBe(`localhost:${port}`);
    // Any other port, by its number: nothing serves it yet.
    await page.getByTestId('tunnel-port').fill('9229');
    await page.keyboard.press('Enter');
    await page.getByTestId('port-row-9229').getByText('Nothing listens on').waitFor();
    await pictures('tunnels-ports');
    await page.getByTestId('tunnel-stop-9229').click();
    await page.getByTestId('port-row-9229').waitFor({ state: 'hidden' });
  },
);

it.skipIf(!hasSshd)('a cut closes it; once the machine is back it is offered, and opened again by a click', async () => {
  const { page, pictures } = app();
  const port = await portOf(page.getByTestId('tunnel-open-80'));
  await machine().stop();
  await page.getByText('connecting again').waitFor();
  expect(await isClosed(port)).toBe(true);
  await machine().listen();
  const again = page.getByTestId('tunnel-offer-again');
  await again.waitFor({ timeout: 60_000 });
  expect(await isClosed(port)).toBe(true);
  await pictures('tunnels-offer');
  await again.click();
  await again.waitFor({ state: 'hidden' });
  await expect.poll(() => pageAt(port).catch(() => '')).toContain('<html');
});

it.skipIf(!hasSshd)('after a new start of the app it is offered, not opened; a no is taken for one', async () => {
  const port = await portOf(app().page.getByTestId('tunnel-open-80'));
  await app().restart();
  const { page } = app();
  const again = page.getByTestId('tunnel-offer-again');
  await again.waitFor();
  expect(await isClosed(port)).toBe(true);
  await page.getByRole('button', { name: 'Not now' }).click();
  await again.waitFor({ state: 'hidden' });
  await app().restart();
  await app().page.getByTestId('tunnel-status').click();
  const entry = app().page.getByTestId('tunnel-photos-80');
  await entry.getByTestId('tunnel-again-80').click();
  expect(await app().page.getByTestId('tunnel-offer-again').count()).toBe(0);
  await entry.getByText(`localhost:${port}`).waitFor();
  await expect.poll(() => pageAt(port).catch(() => '')).toContain('<html');
  await app().page.keyboard.press('Escape');
  await app().page.getByTestId('nav-containers').click();
  await app()
    .page.getByRole('row', { name: /photos/ })
    .click();
  await app().page.getByTestId('tab-ports').click();
});

it.skipIf(!hasSshd)('the container stops: the list says so; it runs again; the tunnel is stopped', async () => {
  const { page, pictures } = app();
  const port = await portOf(page.getByTestId('tunnel-open-80'));
  await page.getByTestId('detail-stop').click();
  await page.getByTestId('detail-start').waitFor();
  await pageAt(port).catch(() => '');
  await page.getByTestId('tunnel-status').click();
  const entry = page.getByTestId('tunnel-photos-80');
  await entry.getByText('photos is not running').waitFor();
  await pictures('tunnels-list');
  await page.keyboard.press('Escape');
  await page.getByTestId('detail-start').click();
  await page.getByTestId('detail-stop').waitFor();
  await expect.poll(() => pageAt(port).catch(() => '')).toContain('<html');
  await page.getByTestId('tunnel-status').click();
  await entry.getByText('photos is not running').waitFor({ state: 'hidden' });
  await entry.getByTestId('tunnel-stop-80').click();
  await entry.waitFor({ state: 'hidden' });
  expect(await isClosed(port)).toBe(true);
  await page.keyboard.press('Escape');
});

it.skipIf(!hasSshd)('a machine that forwards no TCP: said in words, and no tunnel is left', async () => {
  const { page, pictures } = app();
  await addMachine(page, 'attic', engine().socketPath);
  await page.getByTestId('nav-containers').click();
  const row = page.getByRole('row', { name: /photos.*attic/ });
  await row.getByTestId('row-menu').click();
  await page.getByRole('menuitem', { name: 'Ports on localhost' }).hover();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('menuitem', { name: 'Open port 80 on localhost' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByTestId('toast').getByText('PermitOpen without this address').waitFor();
  await pictures('tunnels-forbidden');
  expect(await page.getByTestId('tunnel-status').count()).toBe(0);
});

it('an engine of this machine: an unpublished port straight to the container', async () => {
  const { page, engine: local } = app();
  await page.evaluate(() => window.gantry.starter.load('local'));
  const { json } = await local.post('/containers/create?name=here', { Image: 'gantry/starter' });
  await local.post(`/containers/${json.Id}/start`);
  const row = page.getByRole('row', { name: /^(?!.*photos).*here/ });
  await row.getByTestId('port-80').click();
  const toast = page.getByTestId('toast').getByText('leads to here:80');
  const port = await portOf(toast);
  await expect.poll(() => pageAt(port).catch(() => '')).toContain('<html');
});
