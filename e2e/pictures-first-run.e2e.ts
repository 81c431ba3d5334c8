import { it } from 'vitest';
import { application } from './app.ts';

const app = application();

it('first run, and what is asked before', async () => {
  const { page, pictures } = app();
  await page.getByTestId('run-starter').waitFor();
  await pictures('first-run');
  await page.getByTestId('nav-images').click();
  await page.getByText('No images yet').waitFor();
  await pictures('images-empty');
  await page.getByTestId('nav-hosts').click();
  await page.getByTestId('add-host').click();
  await page.getByText('Found on this machine').waitFor();
  await pictures('add-host');
  await page.keyboard.press('Escape');
});
