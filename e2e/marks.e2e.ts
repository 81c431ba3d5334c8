import { expect, it } from 'vitest';
import { application } from './app.ts';

const app = application();

async function mark(label: string): Promise<void> {
  const { page } = app();
  await page.getByTestId('nav-hosts').click();
  await page.getByTestId('host-menu-local').click();
  await page.getByRole('menuitemcheckbox', { name: label }).click();
}

it('a read-only host changes nothing; a production host asks for its name before it deletes', async () => {
  const { page, pictures, picture, starter, engine } = app();
  await starter();
  const { json } = await engine.post('/containers/create?name=shop', { Image: 'gantry/starter' });
  await engine.post(`/containers/${json.Id}/start`);
  const row = page.getByRole('row', { name: /shop/ });

  await mark('Read-only');
  await page.getByTestId('host-local').getByText('read-only').waitFor();
  await pictures('marks-hosts');
  await page.getByTestId('nav-containers').click();
  await row.getByText('running').waitFor();
  await row.getByTestId('row-stop').click();
  await page.getByTestId('toast').getByText('local is marked as read-only').waitFor();
  await picture('marks-refused');
  expect((await engine.get(`/containers/${json.Id}/json`)).json.State.Running).toBe(true);

  await mark('Read-only');
  await mark('Production: deleting needs its name');
  await page.getByTestId('host-local').getByText('production').waitFor();
  await page.getByTestId('nav-containers').click();
  await row.getByTestId('row-delete').click();
  await page.getByTestId('question-yes').click();
  await page.getByTestId('question-typed').fill('other');
  expect(await page.getByTestId('question-yes').isDisabled()).toBe(true);
  await pictures('marks-confirm');
  await page.keyboard.press('Escape');
  await page.getByTestId('toast').getByText('its name was not typed').waitFor();
  expect((await engine.get(`/containers/${json.Id}/json`)).status).toBe(200);
  await row.getByTestId('row-delete').click();
  await page.getByTestId('question-yes').click();
  await page.getByTestId('question-typed').fill('local');
  await page.keyboard.press('Enter');
  await row.waitFor({ state: 'hidden' });
  expect((await engine.get(`/containers/${json.Id}/json`)).status).toBe(404);
});
