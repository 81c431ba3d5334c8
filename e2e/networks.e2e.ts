import type { Page } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import type { Client } from '../helper/tests/client.ts';
import { startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { application } from './app.ts';
import { expectAccessible } from './axe.ts';
import { isInstalled, type Peer, type PeerName, startPeer } from './peers.ts';
import { addEngine, runOn } from './transfer-steps.ts';

const app = application();
const peers: Peer[] = [];
let second: TestEngine | undefined;
afterAll(async () => {
  for (const peer of peers) await peer.stop();
  await second?.stop();
});

const rowOf = (page: Page, name: string | RegExp) => page.getByRole('row', { name });
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('data-testid'));
const ownOn = async (engine: Client): Promise<string[]> => {
  const list: { Name: string }[] = (await engine.get('/networks')).json;
  return list
    .map(({ Name }) => Name)
    .filter((name) => !['bridge', 'host', 'none', 'podman'].includes(name))
    .sort();
};
const line = (page: Page) => page.getByTestId('network-line').textContent();
/** Wide and narrow, in both themes and languages. */
async function allPictures(name: string): Promise<void> {
  const { pictures, resize } = app();
  await resize(1280, 800);
  await pictures(name);
  await resize(640, 400);
  await pictures(`${name}-small`);
  await resize(1440, 900);
}

it('lists the engine’s own, says why they stay, and makes one by form: as the line beside it would', async () => {
  const { page, engine, starter } = app();
  await starter();
  await page.keyboard.press('Control+4');
  await page.getByRole('heading', { name: 'Networks' }).waitFor();
  await rowOf(page, /bridge.*predefined/).waitFor();
  await expectAccessible(page);
  await allPictures('networks-first');
  await rowOf(page, /none.*predefined/).click();
  await page.getByTestId('network-overview').getByText('The engine’s own: it is always there.').waitFor();
  expect(await page.getByTestId('detail-delete').count()).toBe(0);
  await page.keyboard.press('Escape');
  await rowOf(page, /none.*predefined/)
    .getByRole('checkbox')
    .check();
  await page.getByTestId('bulk-delete').click();
  await page.getByTestId('question').getByText('none can’t be deleted').waitFor();
  await expectAccessible(page);
  await allPictures('network-predefined');
  await page.keyboard.press('Enter');
  await page.getByTestId('question').waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Clear selection' }).click();

  // By the palette and the keyboard alone.
  await page.keyboard.press('Control+k');
  await page.getByTestId('palette').waitFor();
  await page.keyboard.type('create a net');
  await page.keyboard.press('Enter');
  await expect.poll(() => focused(page)).toBe('network-name');
  await page.keyboard.press('Enter');
  await page.getByTestId('network-sheet').getByText('It needs a name.').waitFor();
  await page.keyboard.type('shop');
  await page.getByTestId('network-v4-subnet').fill('10.213.7.9/24');
  await page.getByText('The subnet is 10.213.7.0/24').waitFor();
  await page.getByTestId('network-v4-subnet').fill('10.213.7.0/24');
  await page.getByTestId('network-v4-gateway').fill('10.213.8.1');
  await page.getByText('Not in 10.213.7.0/24.').waitFor();
  await page.getByTestId('network-v4-gateway').fill('10.213.7.254');
  await page.getByTestId('network-v4-range').fill('10.213.7.128/26');
  await page.getByLabel('IPv6, too').check();
  await page.getByTestId('network-v6-subnet').fill('fd00:213:7::/64');
  await page.getByRole('button', { name: 'Add label' }).click();
  await page.getByTestId('network-label-name-0').fill('tier');
  await page.getByTestId('network-label-value-0').fill('web');
  await expect
    .poll(() => line(page))
    .toBe(
      [
        'docker network create',
        '--subnet 10.213.7.0/24',
        '--gateway 10.213.7.254',
        '--ip-range 10.213.7.128/26',
        '--subnet fd00:213:7::/64',
        '--ipv6',
        '--label tier=web',
        'shop',
      ].join(' \\\n  '),
    );
  await expectAccessible(page);
  await allPictures('network-create');
  await page.getByTestId('network-name').press('Enter');
  const overview = page.getByTestId('network-overview');
  await overview.getByText('10.213.7.254').waitFor();
  await overview.getByText('With IPv6.').waitFor();
  await overview.getByText('No container has it. It can be deleted.').waitFor();
  expect((await engine.get('/networks/shop')).json).toMatchObject({
    Driver: 'bridge',
    EnableIPv6: true,
    Labels: { tier: 'web' },
    IPAM: { Config: [{ Subnet: '10.213.7.0/24', Gateway: '10.213.7.254', IPRange: '10.213.7.128/26' }, { Subnet: 'fd00:213:7::/64' }] },
  });

  // What is taken is said at the field; a changed form asks before it closes.
  await page.getByTestId('create-network').click();
  await page.getByTestId('network-name').fill('shop');
  await page.getByText('shop exists already on this host.').waitFor();
  await page.getByTestId('network-v4-subnet').fill('10.213.0.0/16');
  await page.getByText('shop has 10.213.7.0/24 already.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('question').getByText('What you typed is lost.').waitFor();
  await page.getByTestId('question').getByRole('button', { name: 'Cancel' }).click();
  await page.getByTestId('network-v4-subnet').fill('');
  await page.getByTestId('network-name').fill('lab');
  await page.getByRole('radio', { name: 'macvlan' }).click();
  await page.getByTestId('network-parent').waitFor();
  await page.getByRole('radio', { name: 'bridge' }).click();
  await page.getByLabel('Internal: no way out').check();
  await page.getByTestId('network-submit').click();
  await overview.getByText('No way out: containers reach each other alone.').waitFor();
  expect((await engine.get('/networks/lab')).json.Internal).toBe(true);
  await page.getByTestId('detail-close').click();
});

it('shows who is on it and where, by events alone; connects and disconnects, with an undo', async () => {
  const { page, engine, resize } = app();
  await runOn(engine, 'shop-web-1', { HostConfig: { NetworkMode: 'shop' } });
  await runOn(engine, 'shop-db-1');
  const shop = rowOf(page, /shop.*10\.213\.7/);
  await shop.getByText('shop-web-1').waitFor();
  await shop.click();
  const overview = page.getByTestId('network-overview');
  await overview.getByRole('row', { name: /shop-web-1.*running.*10\.213\.7\.1\d\d.*fd00:213:7::/ }).waitFor();

  await page.getByTestId('connect-container').click();
  const dialog = page.getByTestId('connect-dialog');
  await dialog.getByText('docker network connect shop shop-db-1').waitFor();
  await dialog.getByTestId('connect-address').fill('10.213.7');
  await dialog.getByText('An address such as 10.9.0.7 or fd00:9::7').waitFor();
  await dialog.getByTestId('connect-address').fill('10.213.9.7');
  await page.keyboard.press('Enter');
  await dialog.getByText('shop-db-1 was not connected to shop').waitFor();
  await dialog.getByTestId('connect-address').fill('10.213.7.40');
  await dialog.getByTestId('connect-alias').fill('db');
  await dialog.getByText('docker network connect --alias db --ip 10.213.7.40 shop shop-db-1').waitFor();
  await expectAccessible(page);
  await allPictures('network-connect');
  await dialog.getByTestId('connect-alias').press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  const db = overview.getByRole('row', { name: /shop-db-1.*10\.213\.7\.40/ });
  await db.waitFor();
  // Back where it was opened from.
  await expect.poll(() => focused(page)).toBe('connect-container');
  await expectAccessible(page);
  await allPictures('network');
  // What stands in the header has room beside the pane, however wide that is.
  for (const width of [1280, 1060, 1000]) {
    await resize(width, 800);
    // Both of one moment: the window is laid out anew while it is looked at.
    const beyond = () =>
      page.evaluate(() => {
        const rightOf = (selector: string) => document.querySelector(selector)?.getBoundingClientRect().right ?? 0;
        return rightOf('[data-testid=create-network]') - rightOf('main');
      });
    await expect.poll(beyond).toBeLessThanOrEqual(0);
    expect(await page.evaluate(() => innerWidth)).toBe(width);
  }
  await resize(1440, 900);

  const placeOf = async () => (await engine.get('/containers/shop-db-1/json')).json.NetworkSettings.Networks;
  await overview.getByTestId('disconnect-shop-db-1').click();
  await page.getByTestId('toast').getByText('shop-db-1 is not on shop any more').waitFor();
  await db.waitFor({ state: 'hidden' });
  expect(Object.keys(await placeOf())).toEqual(['bridge']);
  await page.getByTestId('toast').getByRole('button', { name: 'Undo' }).click();
  await db.waitFor();
  expect((await placeOf()).shop).toMatchObject({ IPAddress: '10.213.7.40', Aliases: ['db'] });
  await page.getByTestId('tab-json').click();
  await page.getByTestId('detail').getByText('IPAM').first().waitFor();
  await page.keyboard.press('Escape');

  for (const [filter, there, gone] of [
    ['state:own', /shop/, /bridge.*predefined/],
    ['state:internal', /lab/, /shop/],
    ['label:tier=web', /shop/, /lab/],
    ['container:db', /shop/, /lab/],
    ['subnet:10.213', /shop/, /lab/],
  ] as const) {
    await page.getByTestId('filter').fill(filter);
    await rowOf(page, there).first().waitFor();
    await rowOf(page, gone).waitFor({ state: 'hidden' });
  }
  await page.getByTestId('filter').fill('');

  // To all that are on it, and back by a container's list of networks.
  await shop.getByTestId('network-users').click();
  expect(await page.getByTestId('filter').inputValue()).toBe('network:shop');
  await rowOf(page, /shop-db-1/).click();
  await page.getByTestId('tab-inspect').click();
  await page.getByTestId('network-link').filter({ hasText: 'shop' }).click();
  await overview.waitFor();
  await page.keyboard.press('Escape');
});

it('deletes what nobody has, with an undo; what is in use stays and is said to; cleans up after it was shown', async () => {
  const { page, engine } = app();
  await page.getByTestId('nav-networks').click();
  const question = page.getByTestId('question');
  const shop = rowOf(page, /shop.*10\.213\.7/);
  await shop.hover();
  await shop.getByTestId('network-delete').click();
  await question
    .getByText('Stop or disconnect these first: shop-db-1, shop-web-1')
    .or(question.getByText(/first: shop-web-1, shop-db-1/))
    .waitFor();
  await expectAccessible(page);
  await allPictures('network-held');
  await page.keyboard.press('Escape');

  // With the keyboard; Enter on the question that has just come deletes nothing.
  await page.getByTestId('filter').focus();
  await page.keyboard.type('lab');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Delete');
  await question.getByText('No container has it, so nothing is cut.').waitFor();
  await page.keyboard.press('Enter');
  await question.waitFor({ state: 'hidden' });
  expect(await ownOn(engine)).toEqual(['lab', 'shop']);
  await page.keyboard.press('Delete');
  await question.getByTestId('question-yes').click();
  await page.getByTestId('toast').getByText('lab is deleted').waitFor();
  expect(await ownOn(engine)).toEqual(['shop']);
  await page.getByTestId('filter').fill('');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Control+z');
  await rowOf(page, /lab/).waitFor();
  expect((await engine.get('/networks/lab')).json.Internal).toBe(true);

  // A stopped container does not start without its network: that is said.
  await engine.post('/networks/create', { Name: 'old-project_default' });
  await engine.post('/containers/shop-db-1/stop?t=0');
  await engine.post('/containers/shop-web-1/stop?t=0');
  const stopped = question.getByText('Stopped containers have it in their settings');
  // The window hears of it by events.
  const isSaid = async () => {
    await page.keyboard.press('Escape');
    await shop.getByTestId('network-delete').click();
    await question.waitFor();
    return stopped.isVisible();
  };
  await expect.poll(isSaid, { timeout: 15_000 }).toBe(true);
  await allPictures('network-stopped');
  await page.keyboard.press('Escape');

  await page.getByTestId('clean-networks').click();
  await question.getByText('Delete 2 networks?').waitFor();
  await question.getByText('old-project_default').waitFor();
  await expectAccessible(page);
  await allPictures('networks-clean');
  await page.getByTestId('question-yes').click();
  await expect.poll(() => ownOn(engine)).toEqual(['shop']);
  await page.getByTestId('clean-networks').waitFor({ state: 'hidden' });
});

it('several hosts: whose it is; read-only and production are kept to', async () => {
  const { page, engine } = app();
  second = await startEngine({ image: false });
  await addEngine(page, 'nas', second.socketPath);
  await second.client.post('/networks/create', { Name: 'media', Labels: { room: 'attic' } });
  await page.getByRole('columnheader', { name: 'Host' }).waitFor();
  const media = rowOf(page, /media.*nas/);
  await media.waitFor();
  await engine.post('/containers/shop-web-1/start');
  await engine.post('/containers/shop-db-1/start');
  await rowOf(page, /shop.*10\.213\.7/)
    .getByTestId('network-users')
    .waitFor();
  await expectAccessible(page);
  await allPictures('several-networks');
  const old = page.getByTestId('toast').getByRole('button', { name: 'Close' });
  while ((await old.count()) > 0) await old.first().click();
  await rowOf(page, /shop.*10\.213\.7/).click();
  await page.getByTestId('network-overview').waitFor();
  await app().guide('networks');
  await page.keyboard.press('Escape');

  const mark = (change: { readOnly?: boolean; production?: boolean }) =>
    page.evaluate(async (to) => {
      const nas = (await window.gantry.hosts.list()).find(({ name }) => name === 'nas');
      await window.gantry.hosts.update(nas?.id ?? '', to);
    }, change);
  await mark({ readOnly: true });
  await media.click();
  await page.getByTestId('network-overview').waitFor();
  expect(await page.getByTestId('connect-container').count()).toBe(0);
  await page.getByTestId('detail-delete').click();
  await page.getByTestId('question-yes').click();
  await page
    .getByTestId('toast')
    .getByText(/read-only/)
    .first()
    .waitFor();
  expect(await ownOn(second.client)).toEqual(['media']);
  expect(await page.getByTestId('clean-networks').count()).toBe(0);
  await mark({ readOnly: false, production: true });
  await page.getByTestId('detail-delete').click();
  await page.getByTestId('question-yes').click();
  await page.getByTestId('question-typed').fill('nas');
  await page.keyboard.press('Enter');
  await media.waitFor({ state: 'hidden' });
  expect(await ownOn(second.client)).toEqual([]);
});

for (const name of ['dockerd', 'podman'] satisfies PeerName[]) {
  it.skipIf(!isInstalled(name))(`on ${name}: lists, makes, connects, disconnects and deletes`, async () => {
    const { page, picture } = app();
    const peer = await startPeer(name);
    peers.push(peer);
    await addEngine(page, name, peer.socket);
    await page.getByTestId('host-switcher').click();
    await page.getByRole('menuitemcheckbox', { name }).click();
    await page.getByTestId('nav-networks').click();
    await rowOf(page, /(bridge|podman).*predefined/).waitFor();
    await page.getByTestId('create-network').click();
    await page.getByTestId('network-name').fill('theirs');
    await page.getByTestId('network-v4-subnet').fill('10.214.7.0/24');
    await page.getByTestId('network-submit').click();
    const overview = page.getByTestId('network-overview');
    await overview.getByText('10.214.7.0/24').waitFor();
    await peer.engine.post('/networks/create', { Name: 'other', Driver: 'bridge' });
    await runOn(peer.engine, 'holder', { HostConfig: { NetworkMode: name === 'podman' ? 'other' : 'bridge' } });
    await page.getByTestId('connect-container').click();
    const dialog = page.getByTestId('connect-dialog');
    await dialog.getByText('docker network connect theirs holder').waitFor();
    await dialog.getByTestId('connect-submit').click();
    await dialog.waitFor({ state: 'hidden' });
    const holder = overview.getByRole('row', { name: /holder.*running.*10\.214\.7\./ });
    await holder.waitFor();
    await picture(`network-${name}`);
    await page.getByTestId('detail-delete').click();
    await page.getByTestId('question').getByText('Stop or disconnect these first: holder').waitFor();
    await page.keyboard.press('Escape');
    await overview.getByTestId('disconnect-holder').click();
    await holder.waitFor({ state: 'hidden' });
    await page.getByTestId('detail-delete').click();
    await page.getByTestId('question-yes').click();
    await rowOf(page, /theirs/).waitFor({ state: 'hidden' });
    expect(await ownOn(peer.engine)).toEqual(['other']);
    await page.getByTestId('host-switcher').click();
    await page.getByRole('menuitemcheckbox', { name: 'All hosts' }).click();
  });
}
