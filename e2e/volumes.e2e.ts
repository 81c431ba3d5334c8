import { execFileSync } from 'node:child_process';
import type { Page } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import type { Client } from '../helper/tests/client.ts';
import { startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { application } from './app.ts';
import { expectAccessible } from './axe.ts';
import { isInstalled, type Peer, type PeerName, startPeer } from './peers.ts';
import { addEngine, fillVolume, runOn } from './transfer-steps.ts';

const app = application();
const peers: Peer[] = [];
let second: TestEngine | undefined;
afterAll(async () => {
  for (const peer of peers) await peer.stop();
  await second?.stop();
});

const rowOf = (page: Page, name: string | RegExp) => page.getByRole('row', { name });
const namesOn = async (engine: Client): Promise<string[]> =>
  ((await engine.get('/volumes')).json.Volumes ?? []).map(({ Name }: { Name: string }) => Name).sort();

it('says what a volume is while there is none, and makes one by form: as the line beside it would', async () => {
  const { page, engine, pictures, starter } = app();
  await starter();
  await page.getByTestId('nav-volumes').click();
  await page.getByRole('heading', { name: 'No volumes yet' }).waitFor();
  await page.getByText('docker volume create data').waitFor();
  await expectAccessible(page);
  await pictures('volumes-empty');

  // By the keyboard: the name first, Enter makes it.
  await page.getByRole('main').getByRole('button', { name: 'Create' }).last().click();
  await expect.poll(() => page.getByTestId('volume-name').evaluate((field) => field === document.activeElement)).toBe(true);
  await page.keyboard.type('shop-data');
  await page.getByRole('button', { name: 'Add label' }).click();
  await page.getByTestId('volume-label-name-0').fill('tier');
  await page.getByTestId('volume-label-value-0').fill('web');
  await expect
    .poll(() => page.getByTestId('volume-line').textContent())
    .toBe('docker volume create \\\n  --label tier=web \\\n  shop-data');
  await expectAccessible(page);
  await pictures('volume-create');
  await page.keyboard.press('Enter');
  await page.getByTestId('volume-overview').getByText('tier=web').waitFor();
  expect((await engine.get('/volumes/shop-data')).json).toMatchObject({ Driver: 'local', Labels: { tier: 'web' } });

  // What is taken or wrong is said at the field; a changed form asks before it closes.
  await page.getByTestId('create-volume').click();
  await page.getByTestId('volume-name').fill('shop-data');
  await page.getByText('shop-data exists already on this host.').waitFor();
  await page.getByTestId('volume-name').fill('scratch');
  await page.getByRole('radio', { name: 'Memory' }).click();
  await page.getByTestId('volume-size').fill('16 MB');
  await page.getByTestId('volume-mount-options').fill('mode=1770');
  await page.keyboard.press('Escape');
  await page.getByTestId('question').getByText('What you typed is lost.').waitFor();
  await page.getByTestId('question').getByRole('button', { name: 'Cancel' }).click();
  await page.getByTestId('volume-submit').click();
  await page.getByTestId('volume-overview').getByText('o=size=16m,mode=1770').waitFor();
  expect((await engine.get('/volumes/scratch')).json.Options).toEqual({ type: 'tmpfs', device: 'tmpfs', o: 'size=16m,mode=1770' });

  await page.getByTestId('create-volume').click();
  await page.getByRole('radio', { name: 'NFS' }).click();
  await page.getByTestId('volume-submit').click();
  await page.getByText('The name or address of the server.').waitFor();
  await page.getByTestId('volume-name').fill('media');
  await page.getByTestId('volume-server').fill('10.0.0.7');
  await page.getByTestId('volume-path').fill('/export/media');
  await pictures('volume-create-nfs');
  await page.getByTestId('volume-submit').click();
  await page.getByTestId('volume-overview').getByText('addr=10.0.0.7').waitFor();
  await page.getByTestId('detail-close').click();
});

it('shows size and users, follows events, finds by token, leads to the containers', async () => {
  const { page, engine, pictures, picture, resize } = app();
  await engine.post('/volumes/create', { Name: 'shop-uploads-of-all-customers-since-2019-with-thumbnails' });
  await fillVolume(engine, 'shop-data', 3);
  await runOn(engine, 'shop-db-1', { HostConfig: { Binds: ['shop-data:/var/lib/data'] } });
  await runOn(engine, 'shop-backup-1', { HostConfig: { Binds: ['shop-data:/source:ro'] }, Volumes: { '/tmp/cache': {} } });
  // By events alone: the page stands open.
  const data = rowOf(page, /shop-data/);
  await data.getByText('shop-db-1').or(data.getByText('shop-backup-1')).waitFor();
  await rowOf(page, /anonymous/).waitFor();
  await page.getByTestId('nav-images').click();
  await page.getByTestId('nav-volumes').click();
  await data.getByText(/^3(\.\d+)? MB$/).waitFor();
  await expectAccessible(page);
  await pictures('volumes');
  await resize(900, 700);
  await picture('narrow-volumes');
  await resize(1440, 900);

  await data.getByText('shop-data').click();
  const overview = page.getByTestId('volume-overview');
  await overview.getByRole('row', { name: /shop-db-1.*running.*\/var\/lib\/data/ }).waitFor();
  await overview.getByRole('row', { name: /shop-backup-1.*\/source.*read-only/ }).waitFor();
  await expectAccessible(page);
  await pictures('volume');
  await page.getByTestId('tab-json').click();
  await page.getByTestId('detail').getByText('"Mountpoint"').or(page.getByTestId('detail').getByText('Mountpoint')).first().waitFor();
  await page.keyboard.press('Escape');

  for (const [filter, there, gone] of [
    ['state:unused', /scratch/, /shop-data/],
    ['label:tier=web', /shop-data/, /scratch/],
    ['container:backup', /shop-data/, /scratch/],
    ['driver:nfs', /media/, /shop-data/],
  ] as const) {
    await page.getByTestId('filter').fill(filter);
    await rowOf(page, there).waitFor();
    await rowOf(page, gone).waitFor({ state: 'hidden' });
  }
  await page.getByTestId('filter').fill('');

  // To all that have it, and back by a container's mount.
  await data.getByTestId('volume-users').click();
  expect(await page.getByTestId('filter').inputValue()).toBe('volume:shop-data');
  await rowOf(page, /shop-db-1/).waitFor();
  await rowOf(page, /shop-db-1/).click();
  await page.getByTestId('tab-inspect').click();
  await page.getByTestId('volume-link').click();
  await overview.waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+3');
});

it('deletes into the bin, with an undo; what is in use stays and is said to; cleans up', async () => {
  const { page, engine, pictures } = app();
  await page.getByTestId('nav-volumes').click();
  const question = page.getByTestId('question');
  const data = rowOf(page, /shop-data/);
  await data.getByTestId('volume-delete').click();
  await question.getByText('A volume can be deleted when no container has it').waitFor();
  await expectAccessible(page);
  await pictures('volume-held');
  await page.keyboard.press('Escape');

  await fillVolume(engine, 'shop-uploads-of-all-customers-since-2019-with-thumbnails', 1);
  await rowOf(page, /shop-uploads/)
    .getByRole('checkbox')
    .check();
  await rowOf(page, /scratch/)
    .getByRole('checkbox')
    .check();
  await data.getByRole('checkbox').check();
  await pictures('volumes-selected');
  await page.getByTestId('bulk-delete').click();
  await question.getByText('Delete 2 volumes?').waitFor();
  await question.getByText('In use, so these stay: shop-data').waitFor();
  await question.getByText('can be put back from the bin for 30 days').waitFor();
  await pictures('volume-delete');
  await page.getByTestId('question-yes').click();
  await rowOf(page, /shop-uploads/).waitFor({ state: 'hidden' });
  await page.getByTestId('toast').getByText('2 volumes are in the bin').waitFor();
  await page.getByTestId('toast').getByRole('button', { name: 'Undo' }).click();
  await rowOf(page, /shop-uploads/).waitFor();
  await rowOf(page, /scratch/).waitFor();

  await engine.delete('/containers/shop-backup-1?force=1');
  await page.getByTestId('clean-volumes').click();
  await page.getByTestId('menu-clean-anonymous').getByText('Delete 1 unused anonymous volume').waitFor();
  await pictures('volumes-clean');
  await page.getByTestId('menu-clean-all').click();
  await question.getByText('Delete 4 volumes?').waitFor();
  await page.getByTestId('question-yes').click();
  await expect.poll(() => namesOn(engine)).toEqual(['shop-data']);
  await page.getByTestId('nav-bin').click();
  await rowOf(page, /media/).getByTestId('bin-row-restore').click();
  await rowOf(page, /media/).waitFor({ state: 'hidden' });
  expect(await namesOn(engine)).toEqual(['media', 'shop-data']);
  await page.getByTestId('nav-volumes').click();
});

it('several hosts: whose it is, a copy by menu, and with the keyboard all the way', async () => {
  const { page, engine, pictures } = app();
  second = await startEngine({ image: false });
  await addEngine(page, 'nas', second.socketPath);
  await second.client.post('/volumes/create', { Name: 'photos' });
  await page.getByRole('columnheader', { name: 'Host' }).waitFor();
  await rowOf(page, /photos.*nas/).waitFor();
  await pictures('several-volumes');
  const old = page.getByTestId('toast').getByRole('button', { name: 'Close' });
  while ((await old.count()) > 0) await old.first().click();
  await app().guide('volumes');

  await page.getByTestId('filter').focus();
  await page.keyboard.type('shop-data');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Shift+F10');
  await page.getByTestId('menu-copy-to').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toMatch(/^menu-/);
  await page.getByTestId('menu-copy-to').click();
  await page.getByTestId('transfer-preview').getByText('shop-data').waitFor();
  await page.keyboard.press('Enter');
  await page.getByTestId('transfer-dialog').getByText('Done', { exact: true }).waitFor();
  await page.getByTestId('transfer-show').click();
  await page.getByTestId('volume-overview').waitFor();
  await page.getByTestId('filter').fill('');
  const there = (await second.client.get('/volumes/shop-data')).json.Mountpoint;
  const here = (await engine.get('/volumes/shop-data')).json.Mountpoint;
  execFileSync('cmp', [`${here}/file`, `${there}/file`]);
  await page.keyboard.press('Escape');
});

for (const name of ['dockerd', 'podman'] satisfies PeerName[]) {
  it.skipIf(!isInstalled(name))(`on ${name}: lists, measures, makes, and deletes for good when the name is typed`, async () => {
    const { page, picture } = app();
    const peer = await startPeer(name);
    peers.push(peer);
    await peer.engine.post('/volumes/create', { Name: 'theirs', Labels: { from: 'outside' } });
    await peer.engine.post('/containers/create?name=holder', {
      Image: 'gantry/starter:latest',
      HostConfig: { Binds: ['theirs:/data'] },
    });
    await addEngine(page, name, peer.socket);
    await page.getByTestId('nav-volumes').click();
    await page.getByTestId('host-switcher').click();
    await page.getByRole('menuitemcheckbox', { name }).click();
    const theirs = rowOf(page, /theirs/);
    await theirs.getByText('holder').waitFor();
    // Created by form; the page follows the engine's events.
    await page.getByTestId('create-volume').click();
    await page.getByTestId('volume-name').fill('ours');
    await page.getByTestId('volume-submit').click();
    await page.getByTestId('volume-overview').waitFor();
    await page.keyboard.press('Escape');
    expect(await namesOn(peer.engine)).toEqual(['ours', 'theirs']);
    await theirs.getByText('0 B').waitFor();

    // What has grown is measured anew before the question, and in the list when there is another volume.
    await fillVolume(peer.engine, 'theirs', 1);
    await peer.engine.delete('/containers/holder?force=1');
    await theirs.getByText('unused').waitFor();
    await theirs.getByText('0 B').waitFor();
    await theirs.getByTestId('volume-delete').click();
    const question = page.getByTestId('question');
    await question.getByText(/1(\.\d+)? MB\. It can’t be brought back/).waitFor();
    expect(await page.getByTestId('question-yes').isDisabled()).toBe(true);
    await picture(`volume-delete-${name}`);
    await page.keyboard.press('Escape');
    await peer.engine.post('/volumes/create', { Name: 'third' });
    await rowOf(page, /third/).waitFor();
    await theirs.getByText(/^1(\.\d+)? MB$/).waitFor();
    await theirs.getByTestId('volume-delete').click();
    await page.getByTestId('question-typed').fill('theirs');
    await page.keyboard.press('Enter');
    await theirs.waitFor({ state: 'hidden' });
    await expect.poll(() => namesOn(peer.engine)).toEqual(['ours', 'third']);
    await page.getByTestId('host-switcher').click();
    await page.getByRole('menuitemcheckbox', { name: 'All hosts' }).click();
  });
}
