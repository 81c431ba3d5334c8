import { afterAll, beforeAll, expect, it } from 'vitest';
import { launch } from '../helper/tests/harness.ts';
import { application } from './app.ts';
import { type FarEngine, furnish, startFarEngine } from './scene.ts';

const app = application();
let far: FarEngine;
beforeAll(async () => {
  far = await startFarEngine();
  await app().starter();
  await furnish(app().engine);
});
afterAll(() => far?.stop());

it('several hosts; one that answers no more, one that cannot be reached', async () => {
  const { page, pictures, guide } = app();
  await launch(far.engine.client, { name: 'photos', Cmd: ['sleep', '9999'] });
  await launch(far.engine.client, { name: 'music', Cmd: ['sleep', '9999'] });
  for (const [name, socket] of [
    ['nas', far.socket],
    ['laptop', '/run/no-engine-here.sock'],
  ] as const) {
    await page.getByTestId('nav-hosts').click();
    await page.getByTestId('add-host').click();
    await page.getByTestId('add-host-path').fill(socket);
    await page.getByTestId('add-host-name').fill(name);
    await page.getByTestId('add-host-submit').click();
    await page
      .getByTestId(/^host-h/)
      .filter({ hasText: name })
      .waitFor();
  }
  await page.getByText('The engine’s socket does not exist').or(page.getByText("The engine's socket does not exist")).first().waitFor();
  await pictures('hosts');
  await page.getByTestId('nav-containers').click();
  await page.getByRole('row', { name: /photos/ }).waitFor();
  await pictures('containers-of-hosts');
  await guide('hosts-list');
  far.cut();
  await page.getByText('connecting again').waitFor();
  await pictures('reconnecting');
  await guide('hosts-reconnecting');
  await page.getByTestId('nav-hosts').click();
  await pictures('hosts-reconnecting');
  await page.getByTestId('host-switcher').click();
  await page.getByRole('menuitemcheckbox', { name: 'laptop' }).waitFor();
  await pictures('host-switcher');
  await page.getByRole('menuitemcheckbox', { name: 'laptop' }).click();
  await page.getByTestId('nav-containers').click();
  await page.getByRole('button', { name: 'Connect again' }).waitFor();
  await pictures('containers-unreachable');
  expect(await page.getByRole('row', { name: /photos/ }).count()).toBe(0);
});
