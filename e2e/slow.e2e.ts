import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { maySlowLinks, SlowLink } from '../electron/testing/slow-link.ts';
import { hasSshd, Sshd } from '../electron/testing/sshd.ts';
import type { Client } from '../helper/tests/client.ts';
import { startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { application } from './app.ts';
import { addMachine, ownHome, runStarter } from './ssh-hosts.ts';
import { terminalOf } from './terminal.ts';

/** A host behind 1 Mbit/s and 100 ms each way: what is seen, typed and copied there, and that nothing of it is taken for a lost connection. */
/** Two pages, with all that Playwright does to click them; on a busy machine. */
const WINDOW_MS = 3000;
/** From a click to the list: fourteen round trips and what Electron takes to start views. */
const LIST_MS = 8000;
/** A round trip, what may be under way (1 s), and the rest for a busy machine. It was 4 s, with windows of SSH's usual size. */
const ECHO_MS = 2500;
const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const home = ownHome();
const app = application();
const can = hasSshd && maySlowLinks;
let machine: Sshd;
let link: SlowLink;
let engine: TestEngine;
let far: string;

beforeAll(async () => {
  if (!can) return;
  machine = await Sshd.start({ network: true });
  link = await SlowLink.to(machine, { delayMs: 100, rate: '1mbit', queueBytes: 100_000 });
  engine = await startEngine({ image: false });
  await runStarter(engine, 'photos');
  home.knows({ far: machine });
  appendFileSync(path.join(home.folder, '.ssh', 'config'), `  ProxyCommand ${link.proxyCommand}\n`);
});
afterAll(async () => {
  link?.dispose();
  await engine?.stop();
  await machine?.dispose();
  home.remove();
});

const page = () => app().page;
const report = (what: string, ms: number) => console.log(`slow link: ${what}: ${Math.round(ms)} ms`);

async function timed(what: string, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  const took = performance.now() - began;
  report(what, took);
  return took;
}

/** Notes what the host goes through, from now on. */
async function watchHost(on: Page, id: string): Promise<() => Promise<string[]>> {
  await on.evaluate((host) => {
    const seen: string[] = [];
    (window as unknown as { seen: string[] }).seen = seen;
    window.gantry.hosts.onChange((hosts) => {
      const status = hosts.find((each) => each.id === host)?.state.status;
      if (status !== undefined && seen.at(-1) !== status) seen.push(status);
    });
  }, id);
  return () => on.evaluate(() => (window as unknown as { seen: string[] }).seen);
}

/** From Enter to what a command says, in the terminal that is on the screen. */
async function echo(what: string): Promise<number> {
  const terminal = terminalOf(page(), 60_000);
  const mark = randomBytes(3).toString('hex');
  await page().keyboard.type(`echo ${mark} $((40 + 2))`);
  return timed(what, async () => {
    await page().keyboard.press('Enter');
    await terminal.sees(new RegExp(`^${mark} 42$`));
  });
}

/** The shell in `photos`, that is there already. */
async function showTerminal(): Promise<void> {
  const row = page()
    .getByRole('row', { name: /photos/ })
    .first();
  await row.click();
  await page().getByTestId('tab-terminal').click();
  await page().getByTestId('terminal').first().click();
}

/** The window answers while the link is full: another page, and back. */
async function pages(what: string): Promise<number> {
  return timed(what, async () => {
    await page().getByTestId('nav-images').click();
    await page().getByRole('heading', { name: 'Images', exact: true }).waitFor();
    await page().getByTestId('nav-containers').click();
    await page()
      .getByRole('row', { name: /photos/ })
      .first()
      .waitFor();
  });
}

it.skipIf(!can)('the link is what it should be; a host is added, and its list is there soon after a start', async () => {
  const ping = link.ping();
  report('round trip', ping);
  expect(ping).toBeGreaterThan(195);
  expect(ping).toBeLessThan(300);
  await app().starter();
  await timed('add a host, looked for twice', async () => {
    far = await addMachine(page(), 'far', engine.socketPath);
  });
  await app().restart();
  const took = await timed('from the window to the list', async () => {
    await page().getByTestId('nav-containers').click();
    await page()
      .getByRole('row', { name: /photos/ })
      .getByText('running')
      .waitFor();
  });
  expect(took).toBeLessThan(LIST_MS);
});

it.skipIf(!can)('a log that is more than the link can carry does not starve the terminal, nor the window', async () => {
  const loud = `while :; do i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo "$i ${'x'.repeat(500)}"; done; sleep 0.1; done`;
  await runStarter(engine, 'loud', { Cmd: ['sh', '-c', loud] });
  const states = await watchHost(page(), far);
  await page()
    .getByRole('row', { name: /photos/ })
    .click();
  await page().getByTestId('tab-terminal').click();
  await page().getByTestId('terminal-open').click();
  await terminalOf(page(), 30_000).sees(/[#$]/);
  await pages('pages, link idle');
  await showTerminal();
  const quiet = await echo('echo, link idle');
  expect(quiet).toBeLessThan(ECHO_MS);
  // Followed in the dock, below the terminal.
  await page().getByRole('row', { name: /loud/ }).click({ button: 'right' });
  await page().getByTestId('menu-dock').click();
  await page()
    .getByTestId('logs')
    .last()
    .getByText(/x{100}/)
    .first()
    .waitFor({ timeout: 30_000 });
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  await showTerminal();
  const full: number[] = [];
  for (let n = 0; n < 5; n += 1) full.push(await echo(`echo, link full of logs`));
  const shown = await pages('pages, link full of logs');
  expect(await states()).toEqual([]);
  expect(shown).toBeLessThan(WINDOW_MS);
  expect(middle(full)).toBeLessThan(ECHO_MS);
});

/** A container that runs nothing and whose writable layer can't be packed. */
async function heavy(on: Client, name: string, bytes: number): Promise<void> {
  const { json } = await on.post(`/containers/create?name=${name}`, { Image: 'gantry/starter' });
  const folder = mkdtempSync(path.join(tmpdir(), 'gantry-heavy-'));
  writeFileSync(path.join(folder, 'data'), randomBytes(bytes));
  const body = execFileSync('tar', ['-C', folder, '-cf', '-', 'data'], { maxBuffer: 2 * bytes + 65536 });
  rmSync(folder, { recursive: true });
  const { status } = await on.ask('PUT', `/containers/${json.Id}/archive?path=/`, {
    body,
    headers: { 'Content-Type': 'application/x-tar' },
  });
  expect(status).toBe(200);
}
const progressNow = async () => Number((await page().getByRole('progressbar').first().getAttribute('aria-valuenow')) ?? 0);

async function beginCopy(name: string): Promise<void> {
  await page()
    .getByRole('row', { name: new RegExp(name) })
    .first()
    .click({ button: 'right' });
  await page().getByTestId('menu-copy-to').click();
  await page().getByTestId('transfer-preview').waitFor();
  await page().getByTestId('transfer-start').click();
  await expect.poll(progressNow, { timeout: 30_000 }).toBeGreaterThan(5);
}

for (const way of ['to the far host', 'from the far host'] as const) {
  it.skipIf(!can)(`a copy ${way} shows how far it is, leaves the terminal usable, and stops at once`, async () => {
    const name = way === 'to the far host' ? 'parcel' : 'letter';
    await engine.client.delete('/containers/loud?force=1');
    await heavy(way === 'to the far host' ? app().engine : engine.client, name, 6_000_000);
    const states = await watchHost(page(), far);
    await beginCopy(name);
    const before = await progressNow();
    await expect.poll(progressNow, { timeout: 20_000 }).toBeGreaterThan(before + 5);
    await page().getByTestId('transfer-background').click();
    await showTerminal();
    const echoes: number[] = [];
    for (let n = 0; n < 4; n += 1) echoes.push(await echo(`echo, copy ${way}`));
    const shown = await pages(`pages, copy ${way}`);
    await page().getByTestId('activities').click();
    await page().getByText(name).last().click();
    const stopped = await timed(`cancelled, copy ${way}`, async () => {
      await page().getByTestId('transfer-cancel').click();
      await page().getByTestId('transfer-close').waitFor();
    });
    await page().getByTestId('transfer-close').click();
    await page().keyboard.press('Escape');
    await showTerminal();
    const after = await echo(`echo, after a copy ${way}`);
    expect(await states()).toEqual([]);
    expect(shown).toBeLessThan(WINDOW_MS);
    expect(middle([...echoes, after])).toBeLessThan(ECHO_MS);
    expect(stopped).toBeLessThan(ECHO_MS);
  });
}
