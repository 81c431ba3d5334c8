import { expect, it } from 'vitest';
import { application } from './app.ts';
import { terminalOf } from './terminal.ts';

const app = application();

it('does the whole job offline: run, open, read, type, stop, start, delete', async () => {
  const { page, resize, electron, engine } = app();
  await page.getByTestId('run-starter').click();
  const row = page.getByRole('row', { name: /hello/ });
  await row.getByText('running').waitFor();

  // The page that it publishes. The browser is the user's; what it would be told to open is fetched here.
  await electron.evaluate(({ shell }) => {
    const opened: string[] = [];
    Object.assign(globalThis, { opened });
    shell.openExternal = async (url) => void opened.push(url);
  });
  await row.locator('[data-testid^="port-"]').click();
  const url = await expect
    .poll(() => electron.evaluate(() => (globalThis as unknown as { opened: string[] }).opened[0]))
    .toMatch(/^http:\/\/localhost:\d+$/)
    .then(() => electron.evaluate(() => (globalThis as unknown as { opened: string[] }).opened[0] ?? ''));
  const address = url.replace('localhost', '127.0.0.1');
  const html = await (await fetch(`${address}/`, { headers: { 'Accept-Language': 'en' } })).text();
  expect(html).toContain('<h1>Your container is running</h1>');

  // Logs, as they come: the visit wrote a line, and another writes another.
  const logs = page.getByTestId('detail').getByTestId('logs');
  await logs.getByText(/ready {1,2}the page is served on port/).waitFor();
  await logs
    .getByText(/get +\/ from/)
    .first()
    .waitFor();
  await fetch(`${address}/second-visit`);
  await logs.getByText('/second-visit').first().waitFor();

  // A shell.
  await page.getByTestId('tab-terminal').click();
  await page.getByTestId('terminal-open').click();
  const terminal = terminalOf(page);
  await terminal.sees(/root@\w+.*[#$]/);
  await page.getByTestId('terminal').click();
  await terminal.type('ls -d --color=always /www && printf "\\033[38;2;1;2;3mtrue colour\\033[0m\\n"');
  await terminal.sees(/^true colour/);
  expect(await terminal.place.locator('.xterm-rows span[class*="xterm-fg-"]').count()).toBeGreaterThan(0);
  expect(await terminal.place.getByText('true colour', { exact: true }).last().getAttribute('style')).toMatch(/#010203|rgb\(1, 2, 3\)/);

  const size = async () => {
    await terminal.type('clear; stty size');
    const [, rows, columns] = await terminal.sees(/^(\d+) (\d+)$/);
    return { rows: Number(rows), columns: Number(columns) };
  };
  // The shell is told the size when the terminal has its place, which may be after its first line.
  await expect.poll(async () => (await size()).rows).toBe((await terminal.screen()).length);
  const before = await size();
  await resize(1240, 700);
  await expect.poll(size).not.toEqual(before);
  const after = await size();
  expect(after.rows).toBeLessThan(before.rows);
  await resize(1440, 900);
  await expect.poll(size).toEqual(before);

  await terminal.type('sleep 100');
  await expect.poll(async () => (await engine.get('/containers/hello/top')).text).toContain('sleep 100');
  await page.keyboard.press('Control+C');
  await terminal.sees(/\^C/);
  await terminal.type('echo "ended with $?"');
  await terminal.sees(/^ended with 130$/);

  await page.keyboard.insertText('echo 你好,世界');
  await terminal.sees(/echo 你好,世界$/);
  await page.keyboard.press('Enter');
  await terminal.sees(/^你好,世界$/);

  // Another page and back: the same shell, with what it said.
  await terminal.type('here=still-there');
  await page.getByTestId('nav-images').click();
  await page.getByText('gantry/starter').first().waitFor();
  await page.getByTestId('nav-containers').click();
  await row.getByTestId('row-shell').click();
  await terminal.sees(/^你好,世界$/);
  await page.getByTestId('terminal').click();
  await terminal.type('echo "$here"');
  await terminal.sees(/^still-there$/);

  // Stop, start, delete.
  await row.getByTestId('row-stop').click();
  await row.getByText('exited 0').waitFor();
  await expect(fetch(address)).rejects.toThrow();
  await row.getByTestId('row-start').click();
  await row.getByText('running').waitFor();
  await expect.poll(async () => (await fetch(address).catch(() => undefined))?.status).toBe(200);
  await row.getByTestId('row-delete').click();
  await page.getByTestId('question').getByRole('button', { name: 'Cancel' }).click();
  await row.getByTestId('row-delete').click();
  await page.getByTestId('question-yes').click();
  await page.getByTestId('run-starter').waitFor();
  await expect(fetch(address)).rejects.toThrow();
});
