import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { application } from './app.ts';
import { isInstalled, type Peer, startPeer } from './peers.ts';
import { addEngine, fillVolume, openTransfer, runOn, STARTER } from './transfer-steps.ts';

const app = application();
let second: TestEngine;
let peer: Peer | undefined;
beforeAll(async () => {
  second = await startEngine({ image: false });
});
afterAll(async () => {
  await peer?.stop();
  await second?.stop();
});

/** Nothing of a copy is on an engine's disk. */
function aside(folder: string): string[] {
  return ['copies', 'layers/ingest', 'images/ingest'].flatMap((name) => {
    const where = path.join(folder, 'data', name);
    return existsSync(where) ? readdirSync(where).map((each) => path.join(where, each)) : [];
  });
}

it('shows what travels, moves a container with its volume and network, and starts it there', async () => {
  const { page, engine, starter, pictures, picture, resize } = app();
  await starter();
  await addEngine(page, 'second', second.socketPath);
  await engine.post('/networks/create', { Name: 'shop' });
  await runOn(engine, 'web', { HostConfig: { Binds: ['web-data:/data'], NetworkMode: 'shop' }, Labels: { role: 'front' } });
  const data = (await engine.get('/volumes/web-data')).json.Mountpoint;
  execFileSync('sh', ['-c', `echo kept > ${data}/file; chown 7:8 ${data}/file`]);

  await page.getByTestId('nav-containers').click();
  await openTransfer(page, /web/, 'move-to');
  const dialog = page.getByTestId('transfer-dialog');
  const preview = page.getByTestId('transfer-preview');
  await preview.getByText(STARTER).waitFor();
  await preview.getByText('web-data').waitFor();
  await preview.getByText('shop').waitFor();
  await pictures('transfer-preview');
  await app().guide('copy-preview');
  await resize(900, 700);
  await picture('transfer-preview-narrow');
  await resize(1440, 900);
  await page.getByTestId('transfer-start').click();
  await dialog.getByText('Done', { exact: true }).waitFor({ timeout: 90_000 });
  await pictures('transfer-done');
  await page.getByTestId('transfer-show').click();
  await page.getByTestId('detail').getByText('running').first().waitFor();

  const there = (await second.client.get('/containers/web/json')).json;
  expect(there).toMatchObject({ State: { Running: true }, Config: { Image: STARTER, Labels: { role: 'front' } } });
  expect(Object.keys(there.NetworkSettings.Networks)).toEqual(['shop']);
  const moved = (await second.client.get('/volumes/web-data')).json.Mountpoint;
  expect(execFileSync('sh', ['-c', `cat ${moved}/file; stat -c %u:%g ${moved}/file`], { encoding: 'utf8' })).toBe('kept\n7:8\n');
  expect((await engine.get('/containers/web/json')).status).toBe(404);
  // The named volume stays where it was, and the image, too.
  expect((await engine.get('/volumes/web-data')).status).toBe(200);

  // And back, by keyboard: what is there does not travel again.
  await page.keyboard.press('Escape');
  await engine.delete('/volumes/web-data');
  await openTransfer(page, /web/, 'move-to');
  await preview.getByText('is there already').waitFor();
  await page.keyboard.press('Tab');
  await page.getByTestId('transfer-name').press('Enter');
  await dialog.getByText('Done', { exact: true }).waitFor({ timeout: 90_000 });
  expect((await engine.get('/containers/web/json')).json.State.Running).toBe(true);
  expect((await second.client.get('/containers/web/json')).status).toBe(404);
  await page.keyboard.press('Escape');
});

it('a row is dragged onto a host: those that can take it are shown, and the dialog opens as from the menu', async () => {
  const { page, engine, pictures, resize, picture, settings } = app();
  await runOn(engine, 'dragged', { HostConfig: { Binds: ['dragged-data:/data'] } });
  const drop = page.getByTestId('drop-hosts');
  const [here, there] = [drop.getByTestId('drop-local'), drop.getByTestId(/^drop-h/).filter({ hasText: 'second' })];
  /** Takes it over the rail and holds it there. */
  const drag = async (what: Locator, to: Locator) => {
    await what.hover();
    await page.mouse.down();
    await page.mouse.move(500, 500, { steps: 3 });
    await drop.waitFor();
    await to.hover();
    await to.hover();
  };
  const row = page.locator('[data-key^="local/"]').getByText('dragged', { exact: true });
  await drag(row, here);
  await here.getByText('is here already').waitFor();
  expect(await here.getAttribute('class')).not.toContain('over');
  await page.mouse.up();
  await drop.waitFor({ state: 'hidden' });
  expect(await page.getByTestId('transfer-dialog').count()).toBe(0);

  await drag(row, there);
  await expect.poll(() => there.getAttribute('class')).toContain('over');
  await pictures('drag');
  await there.hover();
  await page.mouse.up();
  const dialog = page.getByTestId('transfer-dialog');
  await dialog.getByText('Copy dragged to another host').waitFor();
  await dialog.getByTestId('transfer-target').getByText('second').waitFor();
  await page.getByTestId('transfer-start').click();
  await dialog.getByText('Done', { exact: true }).waitFor({ timeout: 90_000 });
  await page.getByTestId('transfer-close').click();
  expect((await second.client.get('/containers/dragged/json')).json.State.Running).toBe(false);
  expect((await engine.get('/containers/dragged/json')).json.State.Running).toBe(true);

  // With Shift it is a move; a narrow rail makes room.
  await resize(900, 700);
  await settings({ railFolded: true });
  await drag(row, there);
  await page.keyboard.down('Shift');
  await there.hover({ position: { x: 8, y: 8 } });
  await drop.getByText('Move dragged to').waitFor();
  await picture('drag-move-folded');
  await there.hover({ position: { x: 8, y: 8 } });
  await page.mouse.up();
  await page.keyboard.up('Shift');
  await dialog.getByText('Move dragged to another host').waitFor();
  await dialog.getByText('This name is taken there').waitFor();
  await page.keyboard.press('Escape');
  await settings({ railFolded: false });
  await resize(1440, 900);

  await row.click();
  await page.getByTestId('detail').getByRole('tab', { name: 'Inspect' }).click();
  await drag(page.getByTestId('volume-copy'), there);
  await page.mouse.up();
  await dialog.getByText('Copy dragged-data to another host').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');

  await page.getByTestId('nav-images').click();
  await drag(page.getByRole('row', { name: /starter.*local/ }).getByText('gantry/starter'), there);
  await page.mouse.up();
  await dialog.getByText('Copy gantry/starter:latest to another host').waitFor();
  // It has no field: Enter begins, and Enter ends.
  await page.getByTestId('transfer-start').and(page.locator(':enabled')).waitFor();
  await page.keyboard.press('Enter');
  await dialog.getByText('Done', { exact: true }).waitFor({ timeout: 90_000 });
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  await page.getByTestId('nav-containers').click();
  await second.client.delete('/containers/dragged?force=1&v=1');
  await engine.delete('/containers/dragged?force=1&v=1');
});

it('a move whose container does not run there is taken back: the original runs again, the target has nothing of it', async () => {
  const { page, engine, pictures } = app();
  // It runs on no host but the one where it ran first.
  const script = 'if [ -f /mark ]; then [ "$(cat /mark)" = "$(hostname)" ] || exit 3; else hostname > /mark; fi; exec sleep 1000';
  await runOn(engine, 'rooted', { Entrypoint: ['/bin/sh', '-c'], Cmd: [script], HostConfig: { Binds: ['roots:/roots'] } });
  await openTransfer(page, /rooted/, 'move-to');
  await page.getByTestId('transfer-start').click();
  await page.getByTestId('transfer-put-back').waitFor();
  await page.getByTestId('transfer-dialog').getByText('exit code 3').waitFor();
  await pictures('transfer-put-back');
  await page.getByTestId('transfer-close').click();
  expect((await engine.get('/containers/rooted/json')).json.State.Running).toBe(true);
  expect((await second.client.get('/containers/rooted/json')).status).toBe(404);
  expect((await second.client.get('/volumes/roots')).status).toBe(404);
  expect(aside(second.folder)).toEqual([]);
});

it('a copy that is cancelled in the midst leaves nothing on either side, and shows its way in the status bar', async () => {
  const { page, engine, pictures, folder } = app();
  await runOn(engine, 'busy', { HostConfig: { Binds: ['large:/large'] } });
  await fillVolume(engine, 'large', 150);
  // The target takes it slowly, so that there is a midst.
  process.kill(second.pid, 'SIGSTOP');
  let stopped = true;
  const goOn = () => {
    if (stopped) process.kill(second.pid, 'SIGCONT');
    stopped = false;
  };
  try {
    goOn();
    await openTransfer(page, /busy/, 'copy-to');
    await page.getByTestId('transfer-start').click();
    const progress = page.getByTestId('transfer-progress');
    await progress.getByText(/MB of/).waitFor();
    process.kill(second.pid, 'SIGSTOP');
    stopped = true;
    await pictures('transfer-progress');
    await page.getByTestId('transfer-background').click();
    await page.getByTestId('activities').click();
    await page.getByRole('dialog', { name: 'Activities' }).getByRole('button', { name: /busy/ }).click();
    await page.getByTestId('transfer-cancel').click();
    await page.getByTestId('transfer-dialog').getByText('Cancelled; nothing of it is left on the target').waitFor();
  } finally {
    goOn();
  }
  await page.getByTestId('transfer-close').click();
  await eventually('both to be clean', () => aside(second.folder).length === 0 && aside(folder).length === 0);
  expect((await second.client.get('/containers/busy/json')).status).toBe(404);
  expect((await second.client.get('/volumes/large')).status).toBe(404);
  expect((await engine.get('/containers/busy/json')).json.State.Status).toBe('running');
});

it('a volume of a container goes to another host under another name', async () => {
  const { page, picture, pictures } = app();
  await page.getByRole('row', { name: /busy/ }).click();
  await page.getByTestId('detail').getByRole('tab', { name: 'Inspect' }).click();
  await page.getByTestId('volume-copy').waitFor();
  await picture('transfer-from-inspect');
  await page.getByTestId('volume-copy').click();
  await page.getByTestId('transfer-preview').waitFor();
  await page.getByTestId('transfer-name').fill('large-copy');
  await pictures('transfer-volume');
  await page.getByTestId('transfer-start').click();
  await page.getByTestId('transfer-dialog').getByText('Done', { exact: true }).waitFor({ timeout: 90_000 });
  expect((await second.client.get('/volumes/large-copy')).status).toBe(200);
  await page.getByTestId('transfer-close').click();
  await page.keyboard.press('Escape');
});

it.skipIf(!isInstalled('dockerd'))('an image goes to dockerd', async () => {
  const { page, engine, pictures } = app();
  peer = await startPeer('dockerd');
  await addEngine(page, 'dockerd', peer.socket);
  await engine.post('/commit?container=busy&repo=mine&tag=1');
  await page.getByTestId('nav-images').click();
  await openTransfer(page, /mine/, 'copy-to');
  await page.getByTestId('transfer-target').click();
  await page.getByRole('option', { name: 'dockerd' }).click();
  await page.getByTestId('transfer-preview').getByText('One of the two is not a Gantry engine').waitFor();
  await pictures('transfer-dockerd');
  await page.getByTestId('transfer-start').click();
  await page.getByTestId('transfer-dialog').getByText('Done', { exact: true }).waitFor({ timeout: 90_000 });
  const [ours, theirs] = [await engine.get('/images/mine:1/json'), await peer.engine.get('/images/mine:1/json')];
  expect(theirs.json.Id).toBe(ours.json.Id);
  await page.getByTestId('transfer-close').click();
});
