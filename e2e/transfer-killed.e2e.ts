import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { application } from './app.ts';
import { isInstalled, type Peer, startPeer } from './peers.ts';
import { addEngine, fillVolume, openTransfer, runOn } from './transfer-steps.ts';

/** The application is killed in the midst of a move: nothing is lost, and the next start brings it to an end. */

const app = application();
let second: TestEngine;
let peer: Peer | undefined;
beforeAll(async () => {
  second = await startEngine({ image: false });
  await app().starter();
  await addEngine(app().page, 'second', second.socketPath);
});
afterAll(async () => {
  await peer?.stop();
  await second?.stop();
});

async function withLargeVolume(name: string, megabytes: number): Promise<void> {
  const { engine } = app();
  await runOn(engine, name, { HostConfig: { Binds: [`${name}-data:/data`] } });
  await fillVolume(engine, `${name}-data`, megabytes);
}

const isRunning = async (engine: { get: TestEngine['client']['get'] }, name: string): Promise<boolean> =>
  (await engine.get(`/containers/${name}/json`)).json.State?.Running === true;
const onDisk = () => JSON.parse(readFileSync(path.join(app().folder, 'user', 'transfers.json'), 'utf8')).transfers;

it('while it copies: the original goes on, and the target has nothing of it', async () => {
  const { page, engine, kill, start, picture } = app();
  await withLargeVolume('shop', 150);
  await openTransfer(page, /shop/, 'move-to');
  await page.getByTestId('transfer-start').click();
  await page.getByTestId('transfer-progress').getByText(/MB of/).waitFor();
  process.kill(second.pid, 'SIGSTOP');
  try {
    expect(onDisk()).toMatchObject([{ step: 'copy', known: { stopped: true } }]);
    await kill();
  } finally {
    process.kill(second.pid, 'SIGCONT');
  }
  expect(await isRunning(engine, 'shop')).toBe(false);
  await start();
  const toast = app().page.getByTestId('toast');
  await toast.getByText('The move of shop was interrupted').waitFor();
  await toast.getByText('shop was started again on local').waitFor();
  await picture('transfer-found');
  await toast.getByRole('button', { name: 'Details' }).click();
  await app().page.getByTestId('transfer-dialog').getByText('Gantry ended in the midst of it').waitFor();
  await picture('transfer-found-details');
  await app().page.getByTestId('transfer-close').click();
  expect(await isRunning(engine, 'shop')).toBe(true);
  expect((await second.client.get('/containers/shop/json')).status).toBe(404);
  expect((await second.client.get('/volumes/shop-data')).status).toBe(404);
  expect(onDisk()).toEqual([]);
});

it('when it has begun to run there: the next start sees that it does, and only then deletes the original', async () => {
  const { engine, kill, start } = app();
  await runOn(engine, 'web', {});
  await openTransfer(app().page, /web/, 'move-to');
  await app().page.getByTestId('transfer-start').click();
  await eventually('it to run there', () => isRunning(second.client, 'web'));
  await kill();
  expect((await engine.get('/containers/web/json')).json.State.Status).toBe('exited');
  expect(onDisk()).toMatchObject([{ step: 'start' }]);
  await start();
  await app().page.getByTestId('toast').getByText('It is finished now: web is on second').waitFor();
  expect(await isRunning(second.client, 'web')).toBe(true);
  expect((await engine.get('/containers/web/json')).status).toBe(404);
});

it('and whose target is away at the next start: it waits, and ends when the target is there', async () => {
  const { engine, kill, start, picture } = app();
  await runOn(engine, 'later', {});
  await openTransfer(app().page, /later/, 'move-to');
  await app().page.getByTestId('transfer-start').click();
  await eventually('it to run there', () => isRunning(second.client, 'later'));
  process.kill(second.pid, 'SIGSTOP');
  try {
    await kill();
    await start();
    await app().page.getByTestId('activities').click();
    await app().page.getByText('Waiting for its hosts').waitFor();
    await picture('transfer-waits');
    expect((await engine.get('/containers/later/json')).status).toBe(200);
  } finally {
    process.kill(second.pid, 'SIGCONT');
  }
  await app().page.getByTestId('toast').getByText('It is finished now: later is on second').waitFor();
  expect((await engine.get('/containers/later/json')).status).toBe(404);
  await app().page.keyboard.press('Escape');
});

it.skipIf(!isInstalled('dockerd'))('on its way to dockerd: what held the volumes is taken away on both', async () => {
  const { engine, kill, start } = app();
  peer = await startPeer('dockerd');
  const theirs = peer.engine;
  await addEngine(app().page, 'dockerd', peer.socket);
  await withLargeVolume('files', 400);
  await openTransfer(app().page, /files/, 'move-to');
  await app().page.getByTestId('transfer-target').click();
  await app().page.getByRole('option', { name: 'dockerd' }).click();
  await app().page.getByTestId('transfer-preview').getByText('One of the two is not a Gantry engine').waitFor();
  await app().page.getByTestId('transfer-start').click();
  const holders = async (of: TestEngine['client']) =>
    (await of.get(`/containers/json?all=1&filters=${encodeURIComponent('{"label":["dev.gantry.transfer"]}')}`)).json.length;
  await eventually('the volume to be on its way', async () => (await holders(theirs)) === 1);
  await kill();
  expect((await theirs.get('/volumes/files-data')).status).toBe(200);
  await start();
  await app().page.getByTestId('toast').getByText('files was started again on local').waitFor();
  expect(await isRunning(engine, 'files')).toBe(true);
  expect(await Promise.all([holders(engine), holders(theirs)])).toEqual([0, 0]);
  expect((await theirs.get('/volumes/files-data')).status).toBe(404);
  expect((await theirs.get('/containers/files/json')).status).toBe(404);
});
