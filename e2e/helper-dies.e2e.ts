import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { application } from './app.ts';

const app = application();

it('connects again by itself when the engine is killed: the container runs on, the log has no gap and nothing twice', async () => {
  const { page, electron, engine, folder, helperPid, picture, starter } = app();
  await starter();
  const { json: created } = await engine.post('/containers/create?name=counter', {
    Image: 'gantry/starter',
    Cmd: ['sh', '-c', 'i=0; while :; do i=$((i + 1)); echo "line $i"; echo "warning $i" >&2; sleep 0.02; done'],
  });
  await engine.post(`/containers/${created.Id}/start`);
  const { State: before } = (await engine.get('/containers/counter/json')).json;

  await page
    .getByRole('row', { name: /counter/ })
    .getByTestId('row-logs')
    .click();
  const logs = page.getByTestId('detail').getByTestId('logs');
  await logs
    .getByText(/^line \d+$/)
    .first()
    .waitFor();
  const killed = helperPid();
  process.kill(killed, 'SIGKILL');

  const banner = page.getByTestId('banner-local');
  await banner.getByText('connecting again').waitFor();
  await page.getByTestId('status').getByText('reconnecting').waitFor();
  await picture('reconnecting');
  await banner.waitFor({ state: 'hidden' });
  expect(helperPid()).not.toBe(killed);
  const { State: after } = (await engine.get('/containers/counter/json')).json;
  expect(after).toMatchObject({ Running: true, Pid: before.Pid, StartedAt: before.StartedAt });

  // The log goes on in the window; what it holds is read by saving it.
  const seen = Number(
    (
      await logs
        .getByText(/^line \d+$/)
        .last()
        .textContent()
    )?.split(' ')[1],
  );
  await logs.getByText(new RegExp(`^line ${seen + 100}$`)).waitFor();
  const file = path.join(folder, 'saved.log');
  await electron.evaluate(({ dialog }, filePath) => {
    dialog.showSaveDialog = async () => ({ canceled: false, filePath });
  }, file);
  await logs.getByRole('button', { name: /Save/ }).click();
  await page.getByTestId('toast').getByText(file).waitFor();
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  for (const kind of ['line', 'warning']) {
    const numbers = lines.filter((line) => line.startsWith(`${kind} `)).map((line) => Number(line.split(' ')[1]));
    expect(numbers.length).toBeGreaterThan(100);
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  }
});
