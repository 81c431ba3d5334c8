import { expect, it } from 'vitest';
import { hasSshd } from '../electron/testing/sshd.ts';
import { application } from './app.ts';
import { addMachine, nasWithPhotos } from './ssh-hosts.ts';
import { terminalOf } from './terminal.ts';

const { machine, engine } = nasWithPhotos();
const app = application();
let nas: string;

it.skipIf(!hasSshd)('lists over several hosts: a column, a stripe in the host’s colour, a filter by a click on its name', async () => {
  const { page, pictures, engine: local } = app();
  nas = await addMachine(page, 'nas', engine().socketPath);
  await page.evaluate(() => window.gantry.starter.load('local'));
  const { json } = await local.post('/containers/create?name=here', { Image: 'gantry/starter' });
  await local.post(`/containers/${json.Id}/start`);
  for (const [name, far, near] of [
    ['containers', /photos/, /here/],
    ['images', /gantry\/starter.*nas/, /gantry\/starter.*local/],
  ] as const) {
    await page.getByTestId(`nav-${name}`).click();
    const [its, ours] = [page.getByRole('row', { name: far }), page.getByRole('row', { name: near })];
    await its.waitFor();
    await ours.waitFor();
    await page.getByRole('columnheader', { name: 'Host' }).waitFor();
    const colours = await Promise.all([its, ours].map((row) => row.locator('.stripe').getAttribute('style')));
    expect(new Set(colours).size).toBe(2);
    await pictures(`several-${name}`);
    await its.getByTestId(`host-cell-${nas}`).click();
    expect(await page.getByTestId('filter').inputValue()).toBe('host:nas');
    await ours.waitFor({ state: 'hidden' });
    await its.getByTestId(`host-cell-${nas}`).click();
    await ours.waitFor();
  }
});

it.skipIf(!hasSshd)(
  'a frozen machine: what is on the screen stays and is marked; its terminal says what happened, and goes on later',
  async () => {
    const { page, pictures } = app();
    await page.getByTestId('nav-containers').click();
    const [its, ours] = [page.getByRole('row', { name: /photos/ }), page.getByRole('row', { name: /here/ })];
    await its.getByTestId('row-shell').click();
    const terminal = terminalOf(page);
    await terminal.sees(/[#$]/);
    await terminal.type('echo before $((40 + 2))');
    await terminal.sees(/^before 42$/);

    machine().signal('SIGSTOP');
    // Three keepalives of 5 s.
    await page.getByText('connecting again').waitFor({ timeout: 60_000 });
    expect(await its.getAttribute('class')).toContain('stale');
    expect(await ours.getAttribute('class')).not.toContain('stale');
    await page.getByText('The connection to nas was lost. A new one can be opened once nas is connected again.').waitFor();
    await terminal.sees(/^before 42$/);
    expect(await page.getByTestId('terminal-reopen').isDisabled()).toBe(true);
    await pictures('frozen');
    await page.getByTestId('nav-images').click();
    await expect.poll(() => page.getByRole('row', { name: /starter.*nas/ }).getAttribute('class')).toContain('stale');
    await page.getByTestId('nav-hosts').click();
    await page.getByTestId(`host-${nas}`).getByText('reconnecting').waitFor();

    machine().signal('SIGCONT');
    await page.getByTestId(`host-${nas}`).getByText('connected', { exact: true }).waitFor({ timeout: 90_000 });
    await page.goBack();
    await page.goBack();
    await expect.poll(() => its.getAttribute('class')).not.toContain('stale');
    await page.getByTestId('terminal-reopen').click();
    await page.getByTestId('terminal-reopen').waitFor({ state: 'hidden' });
    await terminal.place.click();
    await expect.poll(async () => (await terminal.screen()).filter(Boolean).at(-1), { timeout: 10_000 }).toMatch(/[#$] ?$/);
    await terminal.type('echo again $((40 + 2))');
    await terminal.sees(/^again 42$/);
  },
);

it.skipIf(!hasSshd)('sshd restarted: back by itself, with one sign-in, and the list goes on', async () => {
  const { page } = app();
  const signIns = () => machine().log.match(/Accepted publickey/g)?.length ?? 0;
  const before = signIns();
  await machine().stop();
  await page.getByText('connecting again').waitFor();
  await machine().listen();
  await page.getByText('connecting again').waitFor({ state: 'hidden', timeout: 60_000 });
  const row = page.getByRole('row', { name: /photos/ });
  await row.getByTestId('row-stop').click();
  await row.getByText('exited').waitFor();
  expect(signIns() - before).toBe(1);
});
