import { expect, it } from 'vitest';
import { application } from './app.ts';
import { terminalOf } from './terminal.ts';

const app = application();

it('needs no mouse: runs the starter image, reads its logs, types in it, stops and deletes it', async () => {
  const { page } = app();
  const { keyboard } = page;
  const detail = page.getByTestId('detail');
  await page.getByTestId('run-starter').waitFor();
  await keyboard.press('Control+k');
  await page.getByTestId('palette').waitFor();
  await keyboard.type('starter');
  await keyboard.press('Enter');
  await detail.getByTestId('logs').getByText('the page is served').waitFor();
  await keyboard.press('Escape');
  await detail.waitFor({ state: 'hidden' });

  // By the palette, again: what it can do with a container.
  await keyboard.press('Control+k');
  await keyboard.type('logs hello');
  await keyboard.press('Enter');
  await detail.getByTestId('logs').getByText('the page is served').waitFor();
  await keyboard.press('Escape');
  await detail.waitFor({ state: 'hidden' });

  // In the list: filter, into the rows, letters.
  await keyboard.press('/');
  await keyboard.type('hel');
  await keyboard.press('ArrowDown');
  await keyboard.press('l');
  await detail.getByTestId('logs').waitFor();
  await keyboard.press('t');
  const terminal = terminalOf(page);
  await terminal.sees(/[#$]/);
  await terminal.type('echo by-hand');
  await terminal.sees(/^by-hand$/);
  await keyboard.press('Control+2');
  await page.getByRole('heading', { name: 'Images' }).waitFor();
  await keyboard.press('Control+1');

  await keyboard.press('/');
  await keyboard.press('ArrowDown');
  await keyboard.press('s');
  await page.getByRole('row', { name: /hello/ }).getByText('exited 0').waitFor();
  await keyboard.press('Delete');
  await page.getByTestId('question').waitFor();
  // Enter on a question that was just asked deletes nothing.
  await keyboard.press('Enter');
  await page.getByTestId('question').waitFor({ state: 'hidden' });
  await page.getByRole('row', { name: /hello/ }).waitFor();
  await keyboard.press('Delete');
  await page.getByTestId('question').waitFor();
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await page.getByTestId('run-starter').waitFor();
});

it('changes language and theme in the settings, and keeps them', async () => {
  const { page } = app();
  const { keyboard } = page;
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await keyboard.press('Control+,');
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await page.getByRole('radio', { name: 'Light' }).focus();
  await keyboard.press('ArrowRight');
  await expect.poll(theme).toBe('dark');
  await page.getByTestId('language').focus();
  await keyboard.press('Enter');
  await page.getByRole('listbox').waitFor();
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: '设置' }).waitFor();
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
  // A window that loads anew has them from the main process.
  await page.reload();
  await page.getByRole('heading', { name: '设置' }).waitFor();
  expect(await theme()).toBe('dark');
  await keyboard.press('Control+1');
  await page.getByRole('button', { name: '运行入门镜像' }).waitFor();
  await app().settings({ language: 'en', theme: 'light' });
});
