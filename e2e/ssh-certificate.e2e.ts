import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, it } from 'vitest';
import { hasSshd, Sshd } from '../electron/testing/sshd.ts';
import { startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { application } from './app.ts';
import { ownHome } from './ssh-hosts.ts';

const home = ownHome();
const app = application();
let machine: Sshd;
let engine: TestEngine;

beforeAll(async () => {
  if (!hasSshd) return;
  machine = await Sshd.start({ authority: true });
  machine.newKey('me');
  engine = await startEngine({ image: false });
  mkdirSync(path.join(home.folder, '.ssh'), { mode: 0o700, recursive: true });
  writeFileSync(
    path.join(home.folder, '.ssh', 'config'),
    `Host nas\n  HostName 127.0.0.1\n  Port ${machine.port}\n  User ${machine.user}\n  IdentityFile ${machine.path('me')}\n`,
  );
  writeFileSync(path.join(home.folder, '.ssh', 'known_hosts'), machine.knownLine());
});
afterAll(async () => {
  await machine?.dispose();
  await engine?.stop();
  home.remove();
});

it.skipIf(!hasSshd)(
  'a certificate that has expired is told with what to do; renewed, it signs in, and the steps say for whom and until when',
  async () => {
    const { page, pictures } = app();
    machine.certify('me', { id: 'ada@corp', valid: '20200101:20200201' });
    await page.getByTestId('nav-hosts').click();
    await page.getByTestId('add-host').click();
    await page.getByTestId('add-host-path').fill('nas');
    await page.keyboard.press('Enter');
    await page.getByText('The certificate “ada@corp” has expired').waitFor();
    await page.getByText(/Get a new one from whoever signs your certificates/).waitFor();
    const steps = page.getByTestId('connect-steps');
    await steps.getByText(/The certificate “ada@corp” \(.*me-cert\.pub\) expired at 2020-/).waitFor();
    await pictures('ssh-certificate-expired');

    machine.certify('me', { id: 'ada@corp', principals: ['bob'] });
    await page.getByTestId('add-host-submit').click();
    await page.getByText(/does not take the certificate “ada@corp”/).waitFor();
    await page.getByText(/It is for bob, signed by the CA SHA256:/).waitFor();
    await pictures('ssh-certificate-refused');

    machine.certify('me', { id: 'ada@corp', principals: ['ops', machine.user] });
    await page.getByTestId('add-host-submit').click();
    await steps.getByText(new RegExp(`Certificate “ada@corp” .*, for ops, ${machine.user}, valid until 20\\d\\d-`)).waitFor();
    await steps.getByText(`Signed in as ${machine.user} with this certificate`).waitFor();
    await page.getByTestId('other-socket').fill(engine.socketPath);
    await page.keyboard.press('Enter');
    await page.getByTestId('engines').getByText(engine.socketPath).click();
    await pictures('ssh-certificate');
    await page.getByTestId('add-host-name').fill('nas');
    await page.keyboard.press('Enter');
    await page
      .getByTestId(/^host-h/)
      .filter({ hasText: 'nas' })
      .getByText('connected')
      .waitFor();
  },
);
