import { execFileSync } from 'node:child_process';
import type { Page } from 'playwright-core';
import type { Client } from '../helper/tests/client.ts';

export const STARTER = 'gantry/starter:latest';

/** Adds an engine to the window's hosts and waits for it. */
export async function addEngine(page: Page, name: string, socketPath: string): Promise<void> {
  const id = await page.evaluate((host) => window.gantry.hosts.addSocket(host).then((added) => added.id), {
    name,
    socketPath,
    colour: 'teal' as const,
  });
  await page.waitForFunction(
    (wanted) =>
      window.gantry.hosts.list().then((hosts) => hosts.some(({ id: each, state }) => each === wanted && state.status === 'connected')),
    id,
  );
}

/** Runs the starter image. */
export async function runOn(engine: Client, name: string, config: Record<string, unknown> = {}): Promise<void> {
  const { status, json, text } = await engine.post(`/containers/create?name=${name}`, { Image: STARTER, ...config });
  if (status !== 201) throw new Error(`${name}: ${text}`);
  await engine.post(`/containers/${json.Id}/start`);
}

/** Random bytes in a volume: enough of them that their way can be seen. */
export async function fillVolume(engine: Client, name: string, megabytes: number): Promise<void> {
  const data = (await engine.get(`/volumes/${name}`)).json.Mountpoint;
  execFileSync('dd', ['if=/dev/urandom', `of=${data}/file`, 'bs=1M', `count=${megabytes}`], { stdio: 'ignore' });
}

/** Opens the dialog of a copy or move from a row's menu, and waits for what travels. */
export async function openTransfer(page: Page, row: RegExp, entry: 'copy-to' | 'move-to'): Promise<void> {
  await page.getByRole('row', { name: row }).first().click({ button: 'right' });
  await page.getByTestId(`menu-${entry}`).click();
  await page.getByTestId('transfer-preview').waitFor();
}
