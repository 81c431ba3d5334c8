import { expect, it } from 'vitest';
import { application } from './app.ts';

const app = application();

it('starts an engine of its own and offers the starter image', async () => {
  const { page, picture } = app();
  await page.getByTestId('run-starter').waitFor();
  await page.getByTestId('status').getByText('Gantry').waitFor();
  expect(await page.getByTestId('summary').textContent()).toMatch(/0/);
  await picture('first-run');
});
