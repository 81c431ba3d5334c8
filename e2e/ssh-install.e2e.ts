import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BARE_MACHINE, hostBlock } from '../electron/testing/bare-machine.ts';
import { mayHavePasswords, Sshd } from '../electron/testing/sshd.ts';
import { application } from './app.ts';

// The user's ~/.ssh is one of our own; what is cached stays where it is.
process.env.XDG_CACHE_HOME ??= path.join(homedir(), '.cache');
const home = mkdtempSync(path.join(tmpdir(), 'gantry-home-'));
process.env.HOME = home;
process.env.GANTRY_NODE = process.execPath;
delete process.env.SSH_AUTH_SOCK;

const app = application();
let machine: Sshd;
beforeAll(async () => {
  if (!mayHavePasswords) return;
  machine = await Sshd.start(BARE_MACHINE);
  mkdirSync(path.join(home, '.ssh'), { mode: 0o700 });
  writeFileSync(path.join(home, '.ssh', 'config'), hostBlock('bare', machine));
  writeFileSync(path.join(home, '.ssh', 'known_hosts'), machine.knownLine());
});
afterAll(async () => {
  await machine?.dispose();
  rmSync(home, { recursive: true, force: true });
});

it.skipIf(!mayHavePasswords)(
  'installs the engine on a bare machine by click, runs the starter image there, and takes it away again',
  async () => {
    const { page, pictures, resize } = app();
    await page.getByTestId('nav-hosts').click();
    await page.getByTestId('add-host').click();
    await page.getByTestId('suggestion-bare').click();
    await page.getByTestId('install-open').click();
    const install = page.getByTestId('install');
    await install.getByText('See that it answers').waitFor();
    await install.getByText('Copy the engine to the machine').click();
    await pictures('install-plan');
    await app().guide('hosts-install');
    await resize(900, 700);
    await pictures('install-plan-narrow');
    await resize(1440, 900);
    await page.getByTestId('install-run').click();
    await page.getByTestId('install-stop').waitFor();
    await app().picture('install-running');
    await page.getByTestId('engine-Gantry').waitFor({ timeout: 90_000 });
    await pictures('install-done');
    await page.getByTestId('add-host-name').fill('bare');
    await page.keyboard.press('Enter');
    const card = page.getByTestId(/^host-h/).filter({ hasText: 'bare' });
    await card.getByText('connected').waitFor();
    await card.getByText(/Gantry \d/).waitFor();

    const id = (await card.getAttribute('data-testid'))?.replace('host-', '') ?? '';
    await page.evaluate((host) => window.gantry.starter.load(host), id);
    const made = await page.evaluate(async (host) => {
      const answer = await fetch(`engine://${host}/containers/create?name=there`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ Image: 'gantry/starter' }),
      });
      const { Id } = (await answer.json()) as { Id: string };
      return (await fetch(`engine://${host}/containers/${Id}/start`, { method: 'POST' })).status;
    }, id);
    expect(made).toBe(204);
    await page.getByTestId('nav-containers').click();
    const row = page.getByRole('row', { name: /there/ });
    await row.getByText('running').waitFor();
    await row.getByTestId('row-logs').click();
    await page.getByTestId('detail').getByTestId('logs').getByText('the page is served').waitFor();

    await page.getByTestId('nav-hosts').click();
    await page.getByTestId(`host-menu-${id}`).click();
    await page.getByRole('menuitem', { name: 'Uninstall the engine…' }).click();
    await page.getByText('Also delete its images, containers and volumes').click();
    await page.getByTestId('install').getByText('Delete images, containers and volumes', { exact: true }).waitFor();
    await pictures('uninstall-plan');
    await page.getByTestId('install-run').click();
    await page.getByTestId('toast').getByText("Gantry's engine is gone from bare").waitFor({ timeout: 60_000 });
  },
);
