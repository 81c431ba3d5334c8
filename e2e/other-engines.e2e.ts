import { afterAll, expect, it } from 'vitest';
import { application } from './app.ts';
import { isInstalled, type Peer, type PeerName, startPeer } from './peers.ts';
import { shellAnswers } from './terminal.ts';

const app = application();
const peers: Peer[] = [];
afterAll(async () => {
  for (const peer of peers) await peer.stop();
});

const engines: { name: PeerName; product: RegExp }[] = [
  { name: 'dockerd', product: /Docker/ },
  { name: 'podman', product: /Podman/ },
];

for (const { name, product } of engines) {
  it.skipIf(!isInstalled(name))(`adds ${name} as a host, shows what runs there, stops, starts, runs and reads`, async () => {
    const { page, picture } = app();
    const peer = await startPeer(name);
    peers.push(peer);
    // What another program made before.
    const { json: made } = await peer.engine.post('/containers/create?name=theirs', { Image: 'gantry/starter:latest', StopTimeout: 10 });
    expect((await peer.engine.post(`/containers/${made.Id}/start`)).status).toBe(204);

    await page.getByTestId('nav-hosts').click();
    await page.getByTestId('add-host').click();
    await page.getByTestId('add-host-path').fill(peer.socket);
    await page.getByTestId('add-host-name').fill(name);
    await picture(`add-host-${name}`);
    await page.getByTestId('add-host-submit').click();
    const card = page.getByTestId(/^host-h/).filter({ hasText: name });
    await card.getByText('connected').waitFor();
    await card.getByText(product).waitFor();

    // Chosen: only its containers.
    await page.getByTestId('host-switcher').click();
    await page.getByRole('menuitemcheckbox', { name }).click();
    await page.getByTestId('nav-containers').click();
    const row = page.getByRole('row', { name: /theirs/ });
    await row.getByText('running').waitFor();
    await row.getByTestId('row-logs').click();
    const logs = page.getByTestId('detail').getByTestId('logs');
    await logs.getByText('the page is served').waitFor();
    await shellAnswers(page);
    await row.getByTestId('row-stop').click();
    await row.getByText('exited 0').waitFor();
    await row.getByTestId('row-start').click();
    await row.getByText('running').waitFor();

    // Run by form.
    await page.getByTestId('run').click();
    await page.getByTestId('run-image').fill('gantry/starter');
    await page.getByTestId('run-name').fill('ours');
    await page.getByTestId('run-submit').click();
    const ours = page.getByRole('row', { name: /ours/ });
    await ours.getByText('running').waitFor();
    await logs.getByText('the page is served').waitFor();
    expect((await peer.engine.get('/containers/ours/json')).json.State.Running).toBe(true);
    // In order, not by force.
    await ours.getByTestId('row-stop').click();
    await ours.getByText('exited 0').waitFor();
    await ours.getByTestId('row-delete').click();
    await page.getByTestId('question-yes').click();
    await ours.waitFor({ state: 'hidden' });
  });
}
