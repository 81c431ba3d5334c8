import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { hasSshd, Sshd } from '../electron/testing/sshd.ts';
import { startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { starterImage } from '../scripts/starter-image.mjs';

/** A home of its own for the application's ~/.ssh, set before it starts; what is cached stays where it is. */
export function ownHome(): { folder: string; knows: (machines: Record<string, Sshd>) => void; remove: () => void } {
  process.env.XDG_CACHE_HOME ??= path.join(homedir(), '.cache');
  const folder = mkdtempSync(path.join(tmpdir(), 'gantry-home-'));
  process.env.HOME = folder;
  delete process.env.SSH_AUTH_SOCK;
  return {
    folder,
    /** Under these names, with their keys known: nothing is asked. */
    knows(machines) {
      mkdirSync(path.join(folder, '.ssh'), { mode: 0o700, recursive: true });
      const entries = Object.entries(machines);
      const config = entries.map(
        ([name, sshd]) =>
          `Host ${name}\n  HostName ${sshd.address}\n  Port ${sshd.port}\n  User ${sshd.user}\n  IdentityFile ${sshd.path('user_key')}\n`,
      );
      writeFileSync(path.join(folder, '.ssh', 'config'), config.join(''));
      writeFileSync(path.join(folder, '.ssh', 'known_hosts'), entries.map(([, sshd]) => sshd.knownLine()).join(''));
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * A machine that ~/.ssh/config calls `nas`, with an engine on which the starter image runs as `photos`, for the tests of a file.
 * Before `application()`, which looks for ~/.ssh when it starts.
 *
 * @param more machines with other names and sshd_config lines, with the same engine
 */
export function nasWithPhotos(more: Record<string, string[]> = {}): { machine: (name?: string) => Sshd; engine: () => TestEngine } {
  const home = ownHome();
  const machines: Record<string, Sshd> = {};
  let engine: TestEngine | undefined;
  beforeAll(async () => {
    if (!hasSshd) return;
    for (const [name, config] of Object.entries({ nas: [], ...more })) machines[name] = await Sshd.start({ config });
    engine = await startEngine({ image: false });
    await runStarter(engine, 'photos');
    home.knows(machines);
  });
  afterAll(async () => {
    for (const machine of Object.values(machines)) await machine.dispose();
    // Last: what dials its socket on the machines ends with them.
    await engine?.stop();
    home.remove();
  });
  const given = <T>(thing: T | undefined): T => {
    if (thing === undefined) throw new Error('the machines run inside tests only');
    return thing;
  };
  return { machine: (name = 'nas') => given(machines[name]), engine: () => given(engine) };
}

/** Loads the starter image and runs it. */
export async function runStarter({ client }: TestEngine, name: string, more: object = {}): Promise<void> {
  const loaded = await client.ask('POST', '/images/load?quiet=1', {
    body: readFileSync(await starterImage()),
    headers: { 'Content-Type': 'application/x-tar' },
  });
  if (loaded.status !== 200) throw new Error(loaded.text);
  const { json } = await client.post(`/containers/create?name=${name}`, { Image: 'gantry/starter', ...more });
  const started = await client.post(`/containers/${json.Id}/start`);
  if (started.status !== 204) throw new Error(started.text);
}

/** Adds a machine of ~/.ssh/config by its name. @returns its id */
export async function addMachine(page: Page, name: string, socketPath: string): Promise<string> {
  await page.getByTestId('nav-hosts').click();
  await page.getByTestId('add-host').click();
  await page.getByTestId('add-host-path').fill(name);
  await page.keyboard.press('Enter');
  await page.getByTestId('other-socket').fill(socketPath);
  await page.keyboard.press('Enter');
  await page.getByTestId('engines').getByText(socketPath).click();
  await page.getByTestId('add-host-name').fill(name);
  await page.keyboard.press('Enter');
  const card = page.getByTestId(/^host-h/).filter({ hasText: name });
  await card.getByText('connected').waitFor();
  return ((await card.getAttribute('data-testid')) ?? '').replace('host-', '');
}
