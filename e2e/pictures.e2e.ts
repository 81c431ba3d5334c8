import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { application, PICTURES, ROOT } from './app.ts';
import { furnish } from './scene.ts';
import { terminalOf } from './terminal.ts';

/**
 * Every page and dialog, in light and dark, in English and Chinese: to look at (test-output/screenshots). What is asserted is only
 * that the thing is there. With GANTRY_UPDATE_PICTURES=1 the picture of README is made anew.
 */
const app = application();
beforeAll(async () => {
  await app().starter();
  await furnish(app().engine);
});

it('containers, and one of them', async () => {
  const { page, pictures, picture, resize } = app();
  await page.getByTestId('nav-containers').click();
  await page
    .getByRole('row', { name: /nightly/ })
    .getByText('exited 3')
    .waitFor();
  await page.getByTestId('group-shop').waitFor();
  await pictures('containers');

  const detail = page.getByTestId('detail');
  await page
    .getByRole('row', { name: /shop-web-1/ })
    .getByTestId('row-logs')
    .click();
  await detail.getByText('400 lines').waitFor();
  // What does not fit can be scrolled to.
  await expect.poll(() => detail.getByRole('log').evaluate((log) => log.scrollWidth > log.clientWidth)).toBe(true);
  await pictures('container-logs');
  await picture('containers-with-logs');
  if (process.env.GANTRY_UPDATE_PICTURES) {
    mkdirSync(path.join(ROOT, 'docs/images'), { recursive: true });
    copyFileSync(path.join(PICTURES, 'containers-with-logs.png'), path.join(ROOT, 'docs/images/containers.png'));
  }
  await detail.getByRole('log').click();
  await page.keyboard.press('Control+f');
  await page.keyboard.type('orders');
  await detail
    .getByTestId('logs-hits')
    .getByText(/[1-9]\d* of \d+/)
    .waitFor();
  await pictures('container-logs-search');
  await page.keyboard.press('Escape');

  await page.getByTestId('tab-terminal').click();
  await page.getByTestId('terminal-open').waitFor();
  await pictures('container-terminal-none');
  await page.getByTestId('terminal-open').click();
  const terminal = terminalOf(page);
  await terminal.sees(/[#$]/);
  await terminal.type('ls -l /www /etc');
  await terminal.type('echo "你好,世界"; grep --color root /etc/passwd');
  await terminal.sees(/^root:/);
  await pictures('container-terminal');
  await page.getByTestId('tab-inspect').click();
  await page.getByTestId('inspect').getByText('JSON', { exact: true }).waitFor();
  await pictures('container-inspect');

  // In the dock it stays.
  await page.getByTestId('detail-menu').click();
  await page.getByTestId('menu-dock').click();
  await page.getByTestId('dock').getByText('/products/').first().waitFor();
  await page.getByTestId('nav-images').click();
  await page.getByText('postgres').first().waitFor();
  await pictures('dock');
  await page.getByTestId('toggle-dock').click();
  await page.getByTestId('nav-containers').click();
  await page.getByRole('row', { name: /nightly/ }).click();
  await page.getByTestId('why').waitFor();
  await pictures('container-failed');
  await page.getByTestId('detail-delete').click();
  await page.getByTestId('question').waitFor();
  await pictures('delete-question');
  await page.keyboard.press('Escape');

  await page.getByTestId('detail-menu').click();
  await page.getByTestId('menu-rename').waitFor();
  await pictures('container-menu');
  await page.keyboard.press('Escape');

  await resize(900, 700);
  await pictures('narrow-container');
  await page.getByTestId('detail-close').click();
  await pictures('narrow-containers');
  await page.getByTestId('nav-images').click();
  await page.getByText('postgres').first().waitFor();
  await pictures('narrow-images');
  await resize(1440, 900);
  await page.getByTestId('nav-containers').click();
  for (const name of ['backup', 'cache'])
    await page
      .getByRole('row', { name: new RegExp(name) })
      .getByRole('checkbox')
      .check();
  await page.getByTestId('bulk').getByText('2 selected').waitFor();
  await pictures('containers-selected');
  await page.getByTestId('bulk').getByRole('button').last().click();
  await page.getByTestId('filter').fill('state:nothing');
  await page.getByText('No container matches').waitFor();
  await pictures('containers-no-match');
  await page.getByTestId('filter').fill('');
});

it('images, palette, settings, forms', async () => {
  const { page, pictures } = app();
  await page.getByTestId('nav-images').click();
  await page.getByText('postgres').first().waitFor();
  await pictures('images');
  await page.getByRole('row', { name: /shop\/web/ }).click();
  await page.getByTestId('detail').getByText('linux/amd64').waitFor();
  await pictures('image');
  await page.getByTestId('pull').click();
  await page.getByTestId('pull-reference').fill('registry.example.org/team/app:2.0');
  await page.getByText('Log in to the registry').click();
  await pictures('pull');
  await page.keyboard.press('Escape');

  await page.getByTestId('nav-containers').click();
  await page.keyboard.press('Control+k');
  await page.getByTestId('palette').waitFor();
  await pictures('palette');
  await page.keyboard.type('shop');
  await pictures('palette-search');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await pictures('shortcuts');
  await page.keyboard.press('Escape');

  await page.getByTestId('run').click();
  await page.getByTestId('run-image').fill('shop/web:1.4.2');
  await page.getByTestId('run-name').fill('shop-web-1');
  await page.getByTestId('run-port-host-0').fill('18080');
  await page.getByText(/held by/).waitFor();
  await page.getByRole('button', { name: 'Add variable' }).click();
  await page.getByTestId('run-env-name-0').fill('GREETING');
  await page.getByTestId('run-env-value-0').fill('你好');
  await page.getByRole('button', { name: 'Add mount' }).click();
  await page.getByTestId('run-mount-source-0').fill('/srv/www');
  await page.getByTestId('run-mount-target-0').fill('/www');
  await page.getByTestId('run-memory').fill('512m');
  await pictures('run');
  await page.keyboard.press('Escape');
  await page.getByTestId('question-yes').click();

  await page.getByTestId('nav-settings').click();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await pictures('settings');
});
