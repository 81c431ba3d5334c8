import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GUEST, hasSshd, mayHavePasswords, Sshd } from '../electron/testing/sshd.ts';
import { application } from './app.ts';
import { expectAccessible } from './axe.ts';
import { addMachine, nasWithPhotos } from './ssh-hosts.ts';
import { addEngine, fillVolume, openTransfer, runOn } from './transfer-steps.ts';

/** Every screen of hosts in the smallest window that there is: nothing is cut off, nothing is out of reach, all of it by keyboard. */

const NARROWEST = { width: 640, height: 400 };
/** GANTRY_LOOK=1: pictures of each screen in other widths, too, for whoever wants to look at them. */
const sizes = [
  ...(process.env.GANTRY_LOOK ? [[1440, 900] as const, [1000, 700] as const] : []),
  [NARROWEST.width, NARROWEST.height] as const,
];

process.env.GANTRY_NODE = process.execPath;
const { machine, engine } = nasWithPhotos({ 'a-machine-with-quite-a-long-name-in-the-attic': [] });
const app = application(NARROWEST);
let guarded: Sshd | undefined;
beforeAll(async () => {
  if (mayHavePasswords) guarded = await Sshd.start({ guest: 'password' });
});
afterAll(() => guarded?.dispose());

/** Texts that their element cuts off without an ellipsis, and what stands beyond the window's edge. */
const cutOff = (page: Page) =>
  page.evaluate(() => {
    const found: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      const own = [...element.childNodes].some(({ nodeType, textContent }) => nodeType === Node.TEXT_NODE && textContent?.trim());
      const box = element.getBoundingClientRect();
      if (!own || box.width === 0 || !element.checkVisibility() || element.closest('.xterm, .sr-only')) continue;
      const style = getComputedStyle(element);
      const clips =
        ['hidden', 'clip'].includes(style.overflowX) && style.textOverflow !== 'ellipsis' && element.scrollWidth > box.width + 1;
      const scrolls = element.closest('pre, [data-scrolls], .table-scroll');
      if (clips || (!scrolls && (box.right > innerWidth + 1 || box.left < -1)))
        found.push(`${element.className}: ${element.textContent?.slice(0, 60)}`);
    }
    return found;
  });

/** @param isMenu axe takes the page behind a menu for reachable: only a dialog counts as modal for it */
async function look(name: string, isMenu = false): Promise<void> {
  const { page, resize, pictures } = app();
  for (const [width, height] of sizes) {
    await resize(width, height);
    if (process.env.GANTRY_LOOK || width === NARROWEST.width)
      await (process.env.GANTRY_LOOK ? pictures : app().picture)(`look-${width}-${name}`);
  }
  expect.soft(await cutOff(page), name).toEqual([]);
  if (!isMenu) await expectAccessible(page);
}

it.skipIf(!hasSshd)('adding a machine: what is offered, its key, its engines, a password, a refusal', async () => {
  const { page, starter } = app();
  const { keyboard } = page;
  await starter();
  await page.getByTestId('nav-hosts').click();
  await page.getByTestId('add-host').press('Enter');
  await page.getByTestId('suggestion-nas').waitFor();
  await look('add');
  if (guarded) {
    await keyboard.type(`${GUEST.name}@127.0.0.1:${guarded.port}`);
    await keyboard.press('Enter');
    await page.getByTestId('question-hostKey').waitFor();
    await look('key');
    // The focus is on No.
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await page.getByTestId('question-password').waitFor();
    await keyboard.type('wrong');
    await keyboard.press('Enter');
    await page.getByText('The machine did not accept this password').waitFor();
    await look('password');
    await keyboard.type(GUEST.password);
    await keyboard.press('Enter');
    await page.getByTestId('engines').waitFor();
    await look('no-engine');
  }
  await keyboard.press('Escape');
  await page.getByTestId('add-host-dialog').waitFor({ state: 'hidden' });
  expect(await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('add-host');
  await keyboard.press('Enter');
  await keyboard.type('root@127.0.0.1:1');
  await keyboard.press('Enter');
  await page.getByText('No SSH server listens at 127.0.0.1:1').waitFor();
  await look('refused');
  await keyboard.press('Escape');
});

it.skipIf(!hasSshd)('the list of hosts, a host’s page, its menu; one that is away', async () => {
  const { page } = app();
  const nas = await addMachine(page, 'nas', engine().socketPath);
  await addMachine(page, 'a-machine-with-quite-a-long-name-in-the-attic', engine().socketPath);
  await page.evaluate((id) => window.gantry.hosts.update(id, { production: true, readOnly: true }), nas);
  await look('hosts');
  await page.getByTestId(`host-open-${nas}`).press('Enter');
  await page
    .getByTestId('machine')
    .getByText(/^load \d/)
    .waitFor();
  await look('host-page');
  await page.keyboard.press('Escape');
  await page.getByTestId(`host-menu-${nas}`).press('Enter');
  await page.getByRole('menuitem', { name: 'Rename' }).waitFor();
  await look('host-menu', true);
  await page.keyboard.press('Escape');
  await page.evaluate((id) => window.gantry.hosts.update(id, { production: false, readOnly: false }), nas);
  await page.getByTestId('nav-containers').click();
  await page.getByRole('row', { name: /photos.*attic/ }).waitFor();
  await look('containers');
  await machine('a-machine-with-quite-a-long-name-in-the-attic').stop();
  await page.getByTestId('nav-hosts').click();
  await page.getByText('reconnecting').first().waitFor();
  await look('away');
});

it.skipIf(!hasSshd)('install, tunnels, copies', async () => {
  const { page, engine: local } = app();
  await page.getByTestId('host-menu-local').press('Enter');
  await page.getByRole('menuitem', { name: 'Install as a service…' }).press('Enter');
  await page
    .getByTestId('install')
    .getByText(/The engine is|See that it answers|installed already|systemd/)
    .first()
    .waitFor();
  await look('install');
  await page.keyboard.press('Escape');

  await page.getByTestId('nav-containers').click();
  await page.getByRole('row', { name: /photos.*nas/ }).click();
  await page.getByTestId('tab-ports').click();
  await page.getByTestId('tunnel-start-80').click();
  await page.getByTestId('tunnel-open-80').waitFor();
  await look('ports');
  await page.getByTestId('tunnel-status').click();
  await page.getByTestId('tunnel-photos-80').waitFor();
  await look('tunnels');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');

  await addEngine(page, 'second', engine().socketPath);
  await runOn(local, 'web', { HostConfig: { Binds: ['shared:/data', `${data()}:/folder`] } });
  await runOn(local, 'worker', { HostConfig: { Binds: ['shared:/data'] } });
  await fillVolume(local, 'shared', 1);
  await openTransfer(page, /web/, 'move-to');
  await page.getByTestId('transfer-preview').waitFor();
  await look('transfer');
  await page.keyboard.press('Escape');
  for (const name of ['web', 'worker']) {
    await page
      .getByRole('row', { name: new RegExp(name) })
      .getByRole('checkbox')
      .press('Space');
  }
  await page.getByTestId('bulk-copy').press('Enter');
  await page.getByTestId('transfer-dialog').getByText('To travel: 2 of 2').waitFor();
  await look('transfer-many');
  await page.keyboard.press('Escape');
});

function data(): string {
  const folder = path.join(app().folder, 'a-folder-of-this-machine');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'file'), '');
  return folder;
}
