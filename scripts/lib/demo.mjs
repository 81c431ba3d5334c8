/** The main job, done by itself in the real window: what a new user does in the first minute. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { testOutput } from './paths.mjs';
import { bold, green, Stop, say } from './say.mjs';

const folder = join(testOutput, 'demo');

/** The page that a container publishes, as a browser would get it. */
async function fetchPage(port) {
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { 'Accept-Language': 'en' } });
  const title = /<h1>(.*?)<\/h1>/.exec(await response.text())?.[1];
  if (!response.ok || title === undefined) throw new Stop(`the published page on port ${port} answered ${response.status}`);
  return title;
}

/**
 * Runs the starter image, opens its page, reads its logs, types in a shell in it, stops, starts and deletes it.
 *
 * @param page  Playwright's page of a window on an engine without containers
 */
export async function demo(page) {
  mkdirSync(folder, { recursive: true });
  page.setDefaultTimeout(30_000);
  const at = (id) => page.getByTestId(id).first();
  let count = 0;
  const step = async (what, action) => {
    await action();
    count++;
    const name = `${String(count).padStart(2, '0')}-${what
      .toLowerCase()
      .replace(/[^a-z]+/g, '-')
      .slice(0, 24)
      .replace(/-$/, '')}.png`;
    await page.screenshot({ path: join(folder, name) });
    say(`${green('✓')} ${what.padEnd(48)} ${name}`);
  };

  let port;
  await step('first run: no containers yet', () => at('run-starter').waitFor());
  await step('run the starter image', async () => {
    await at('run-starter').click();
    await at('detail').getByTestId('logs').getByText('the page is served').waitFor();
    port = Number((await page.locator('[data-testid^="port-"]').first().getAttribute('data-testid')).slice('port-'.length));
  });
  await step('its page answers on the published port', async () => say(`  http://localhost:${port}: “${await fetchPage(port)}”`));
  await step('read its logs, as they come', () =>
    at('detail')
      .getByTestId('logs')
      .getByText(/ from .*/)
      .last()
      .waitFor(),
  );
  await step('type in a shell in it', async () => {
    await at('tab-terminal').click();
    const terminal = at('terminal');
    await at('terminal-open').or(terminal).first().waitFor();
    if (await at('terminal-open').isVisible()) await at('terminal-open').click();
    await terminal.click();
    await page.keyboard.type('ls -l /www && echo "hello, $(hostname)"\n', { delay: 15 });
    await page.keyboard.insertText('echo 你好,世界');
    await page.keyboard.press('Enter');
    await terminal.getByText('你好,世界').nth(1).waitFor();
  });
  await step('stop it', async () => {
    await at('detail-stop').click();
    await at('detail-start').waitFor();
  });
  await step('start it again', async () => {
    await at('detail-start').click();
    await at('detail-stop').waitFor();
    await at('tab-logs').click();
  });
  await step('delete it', async () => {
    await at('detail-delete').click();
    await at('question-yes').click();
    await at('run-starter').waitFor();
  });
  say(`screenshots: ${bold(folder)}`);
}
