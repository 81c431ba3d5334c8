import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { application } from './app.ts';
import { expectAccessible } from './axe.ts';
import { addEngine, fillVolume, openTransfer, runOn } from './transfer-steps.ts';

/** The application is asked to end in the midst of a copy: it asks first, since the copy ends with it. */

const app = application();
let second: TestEngine;
beforeAll(async () => {
  second = await startEngine({ image: false });
  await app().starter();
  await addEngine(app().page, 'nas', second.socketPath);
});
afterAll(() => second?.stop());

/** A copy whose target has stopped listening in its midst. */
async function copyThatHangs(name: string): Promise<void> {
  const { page, engine } = app();
  await runOn(engine, name, { HostConfig: { Binds: [`${name}-data:/data`] } });
  await fillVolume(engine, `${name}-data`, 150);
  await page.getByTestId('nav-containers').click();
  await openTransfer(page, new RegExp(name), 'copy-to');
  await page.getByTestId('transfer-start').click();
  await page.getByTestId('transfer-progress').getByText(/MB of/).waitFor();
  process.kill(second.pid, 'SIGSTOP');
}
const goOn = () => process.kill(second.pid, 'SIGCONT');
const question = () => app().page.getByTestId('leaving');
const closeWindow = () => app().electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());

it('closing the last window asks, with the focus on Stay; a no keeps it, and the copy arrives', async () => {
  const { page, pictures, picture, resize, electron } = app();
  await copyThatHangs('shop');
  try {
    await closeWindow();
    await question().getByText('1 thing is under way').waitFor();
    await question().getByText('shop is being copied to nas').waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('leaving-no');
    await expectAccessible(page);
    await pictures('leaving');
    await resize(640, 400);
    await picture('leaving-narrow');
    await resize(1440, 900);
    await page.keyboard.press('Escape');
    await question().waitFor({ state: 'hidden' });
    // Ctrl+C in the terminal that it was started from, and the menu's Quit.
    electron.process().kill('SIGINT');
    await question().waitFor();
    await page.keyboard.press('Enter');
    await question().waitFor({ state: 'hidden' });
    await electron.evaluate(({ app: main }) => main.quit());
    await question().waitFor();
    await page.getByTestId('leaving-no').click();
    await question().waitFor({ state: 'hidden' });
  } finally {
    goOn();
  }
  await page.getByTestId('transfer-dialog').getByText('Done', { exact: true }).waitFor();
  await page.getByTestId('transfer-close').click();
});

it('a yes ends it; the next start offers to go on, and does', async () => {
  const { electron, start } = app();
  await copyThatHangs('blog');
  const ended = once(electron.process(), 'exit');
  try {
    await closeWindow();
    await question().waitFor();
    // The window is torn down under this click.
    await question()
      .getByRole('button', { name: 'Leave and go on later' })
      .click()
      .catch(() => undefined);
  } finally {
    goOn();
  }
  await ended;
  await start();
  const { page, picture } = app();
  const toast = page.getByTestId('toast').filter({ hasText: 'The copy of blog was interrupted' });
  await toast.getByText('Nothing of it is on nas').waitFor();
  await picture('leaving-next-start');
  await page.waitForFunction(() =>
    window.gantry.hosts.list().then((hosts) => hosts.length === 2 && hosts.every(({ state }) => state.status === 'connected')),
  );
  await toast.getByRole('button', { name: 'Details' }).click();
  await page.getByTestId('transfer-go-on').click();
  await page.getByText('1 of 1 are on nas').waitFor({ timeout: 60_000 });
  expect((await second.client.get('/containers/blog/json')).status).toBe(200);
  await page.getByTestId('transfer-close').click();
});

it('a second Ctrl+C is not asked about; nor is one while nothing is under way', async () => {
  await copyThatHangs('wiki');
  const { electron, start } = app();
  const ended = once(electron.process(), 'exit');
  try {
    electron.process().kill('SIGINT');
    await question().waitFor();
    electron.process().kill('SIGINT');
  } finally {
    goOn();
  }
  await ended;
  await start();
  const again = app().electron;
  const over = once(again.process(), 'exit');
  again.process().kill('SIGINT');
  await over;
  await start();
  await app().page.getByTestId('status').getByText('2 of 2').waitFor();
});

it('leaves by itself when what was under way is done', async () => {
  await copyThatHangs('mail');
  const { electron, start } = app();
  const ended = once(electron.process(), 'exit');
  try {
    await closeWindow();
    await question().waitFor();
  } finally {
    goOn();
  }
  await ended;
  expect((await second.client.get('/containers/mail/json')).status).toBe(200);
  await start();
  await app().page.getByTestId('status').getByText('2 of 2').waitFor();
});
