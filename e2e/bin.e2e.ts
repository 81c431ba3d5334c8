import { expect, it } from 'vitest';
import { application } from './app.ts';

const app = application();

it('deletes into the bin: undone by a click or a key, put back under another name, emptied', async () => {
  const { page, engine, pictures, resize, starter } = app();
  const { keyboard } = page;
  await starter();
  const make = async (name: string) => {
    const { json } = await engine.post(`/containers/create?name=${name}`, { Image: 'gantry/starter:latest' });
    await engine.post(`/containers/${json.Id}/start`);
    return json.Id as string;
  };
  const row = (name: string) => page.getByRole('row', { name: new RegExp(name) });
  const entries = async () => (await engine.get('/gantry/v1/bin')).json as { Name: string }[];
  const remove = async (name: string) => {
    await row(name).getByTestId('row-delete').click();
    await page.getByTestId('question').getByText('can be put back from the bin for 30 days').waitFor();
    await page.getByTestId('question-yes').click();
    await row(name).waitFor({ state: 'hidden' });
  };
  const web = await make('web');
  await make('cache');
  await page.getByTestId('nav-containers').click();

  // By the toast.
  await remove('web');
  expect((await entries()).map(({ Name }) => Name)).toEqual(['web']);
  await page.getByTestId('toast').getByText('web is in the bin').waitFor();
  await pictures('bin-undo');
  await page.getByTestId('toast').getByRole('button', { name: 'Undo' }).click();
  await row('web').waitFor();
  expect((await engine.get('/containers/web/json')).json.Id).toBe(web);

  // By the keyboard, once.
  await remove('cache');
  await keyboard.press('Control+z');
  await row('cache').waitFor();
  expect(await page.getByTestId('toast').getByText('cache is in the bin').count()).toBe(0);
  await keyboard.press('Control+z');
  expect(await entries()).toEqual([]);

  // The bin's page.
  await remove('web');
  await remove('cache');
  await make('web');
  await page.getByTestId('nav-bin').click();
  await page.getByTestId('summary').getByText(/^2 · /).waitFor();
  await pictures('bin');
  await resize(900, 700);
  await pictures('narrow-bin');
  await resize(1440, 900);
  await row('cache').getByTestId('bin-row-restore').click();
  await row('cache').waitFor({ state: 'hidden' });
  expect((await engine.get('/containers/cache/json')).status).toBe(200);
  // Its name was given away: another one is asked for.
  await row('web').getByTestId('bin-row-restore').click();
  const dialog = page.getByTestId('bin-restore');
  await dialog.getByText('The name web was given to another one meanwhile').waitFor();
  await pictures('bin-restore');
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: 'The bin is empty' }).waitFor();
  expect((await engine.get('/containers/web-2/json')).json.Id).toBe(web);
  await pictures('bin-empty');

  // For good.
  await page.getByTestId('nav-containers').click();
  await remove('web-2');
  await remove('cache');
  await page.getByTestId('nav-bin').click();
  await row('cache').getByTestId('bin-row-delete').click();
  await page.getByTestId('question').getByText('This frees').waitFor();
  await page.getByTestId('question-yes').click();
  await row('cache').waitFor({ state: 'hidden' });
  await page.getByTestId('bin-empty').click();
  await page.getByTestId('question-yes').click();
  await page.getByRole('heading', { name: 'The bin is empty' }).waitFor();
  expect(await entries()).toEqual([]);
});

it('says what does not fit into the bin, and deletes it for good when told so', async () => {
  const { page, engine } = app();
  await engine.post('/containers/create?name=brief', { Image: 'gantry/starter:latest', HostConfig: { AutoRemove: true } });
  await page.getByTestId('nav-containers').click();
  const row = page.getByRole('row', { name: /brief/ });
  await row.getByTestId('row-delete').click();
  await page.getByTestId('question-yes').click();
  const question = page.getByTestId('question');
  await question.getByText('brief can’t go into the bin').waitFor();
  await question.getByRole('button', { name: 'Cancel' }).click();
  await row.waitFor();
  await row.getByTestId('row-delete').click();
  await page.getByTestId('question-yes').click();
  await question.getByText('it removes itself when it ends').waitFor();
  await page.getByTestId('question-yes').click();
  await row.waitFor({ state: 'hidden' });
});
