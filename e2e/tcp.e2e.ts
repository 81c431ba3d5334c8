import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasOpenssl, TestCa } from '../electron/testing/certificates.ts';
import { startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { application } from './app.ts';
import { expectAccessible } from './axe.ts';
import { isInstalled, type Peer, startPeer } from './peers.ts';
import { runStarter } from './ssh-hosts.ts';
import { shellAnswers, terminalOf } from './terminal.ts';

const app = application();
const folder = mkdtempSync(path.join(tmpdir(), 'gantry-tls-'));
const PASSPHRASE = 'open, sesame';
let ours: TestCa;
let others: TestCa;
let engine: TestEngine;
let port: number;
let relay: Relay;
let peer: Peer | undefined;

/** What stands between the window and the engine, and may be taken away. */
class Relay {
  readonly #to: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  port = 0;
  constructor(to: number) {
    this.#to = to;
  }
  async listen(): Promise<void> {
    const server = createServer((socket) => {
      const inside = connect(this.#to, '127.0.0.1');
      for (const each of [socket, inside]) {
        this.#sockets.add(each);
        each.on('error', () => {});
        each.on('close', () => {
          this.#sockets.delete(each);
          socket.destroy();
          inside.destroy();
        });
      }
      socket.pipe(inside).pipe(socket);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }
  async cut(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server?.close(resolve));
  }
}

/** A server that says this and no more. @returns its port */
const talkers: Server[] = [];
async function talker(says: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    says(socket);
  });
  talkers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const found = await talker(() => {});
  await new Promise((resolve) => talkers.pop()?.close(resolve));
  return found;
}
const listenFlags = (at: number) => {
  const server = path.join(ours.folder, 'server');
  const files = ['--tlscacert', ours.ca, '--tlscert', path.join(server, 'cert.pem'), '--tlskey', path.join(server, 'key.pem')];
  return ['-H', `tcp://127.0.0.1:${at}`, '--tlsverify', ...files];
};

beforeAll(async () => {
  if (!hasOpenssl) return;
  ours = new TestCa(path.join(folder, 'ours'), 'Workshop');
  others = new TestCa(path.join(folder, 'others'), 'Elsewhere');
  ours.issue('server', { subject: 'nas', names: 'IP:127.0.0.1,DNS:localhost' });
  ours.issue('ada', { subject: 'Ada Lovelace' });
  ours.issue('grace', { subject: 'Grace Hopper' });
  ours.issue('locked', { subject: 'Grace Hopper', passphrase: PASSPHRASE });
  ours.issue('late', { subject: 'Ada Lovelace', expired: true });
  others.issue('stranger', { subject: 'Mallory' });
  port = await freePort();
  engine = await startEngine({ image: false, args: listenFlags(port) });
  await runStarter(engine, 'photos', {
    ExposedPorts: { '80/tcp': {}, '9000/tcp': {} },
    HostConfig: { PortBindings: { '80/tcp': [{ HostPort: String(await freePort()) }] } },
  });
  relay = new Relay(port);
  await relay.listen();
});
afterAll(async () => {
  await relay?.cut();
  for (const server of talkers) server.close();
  await peer?.stop();
  await engine?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const page = () => app().page;
const certificates = (of: string) => path.join(ours.folder, of);

/** Opens the dialog on an address and chooses a folder's files, as the system's own dialog would. */
async function open(address: string, from?: string): Promise<void> {
  await page().getByTestId('nav-hosts').click();
  await page().getByTestId('add-host').click();
  await page().getByTestId('add-host-path').fill(address);
  if (from !== undefined) await choose(from);
}
async function choose(from: string): Promise<void> {
  await app().electron.evaluate(({ dialog }, picked) => {
    dialog.showOpenDialog = async () => ({ canceled: false, filePaths: [picked] });
  }, from);
  await page().getByTestId('tcp-folder').click();
  await expect.poll(() => page().getByTestId('tcp-key').inputValue()).toBe(path.join(from, 'key.pem'));
}
const submit = () => page().getByTestId('add-host-submit').click();
/** Wide and narrow, in both themes and languages. */
async function allPictures(name: string): Promise<void> {
  await app().pictures(name);
  await app().resize(900, 700);
  await app().pictures(`${name}-narrow`);
  await app().resize(1440, 900);
}

it.skipIf(!hasOpenssl)('adds an engine by its address and certificates; each step says what it found; it works', async () => {
  await open(`tcp://127.0.0.1:${relay.port}`, certificates('ada'));
  await allPictures('tcp-add');
  await submit();
  const steps = page().getByTestId('connect-steps');
  await steps.getByText(/Your certificate: Ada Lovelace, valid until \d{4}-\d\d-\d\d/).waitFor();
  await steps.getByText(/TLSv1\.3: its certificate names nas, signed by Workshop CA/).waitFor();
  await steps.getByText('Let in as Ada Lovelace').waitFor();
  await steps.getByText(/Gantry .* answers/).waitFor();
  await allPictures('tcp-connected');
  await page().getByTestId('add-host-name').fill('nas');
  await page().keyboard.press('Enter');
  const card = page()
    .getByTestId(/^host-h/)
    .filter({ hasText: 'nas' });
  await card.getByText('connected').waitFor();
  await card.getByRole('button', { name: 'nas', exact: true }).click();
  await page().getByTestId('detail').getByText('1 of 1 running').waitFor();
  // What takes the machine is not offered, and it is said why.
  await page()
    .getByTestId('detail')
    .getByText(/Over TCP Gantry reaches the engine alone/)
    .waitFor();
  expect(await page().getByTestId('tab-shell').count()).toBe(0);
  await allPictures('tcp-host');
  await card.getByTestId(/^host-menu/).click();
  await page().getByTestId('menu-rename').waitFor();
  expect(await page().getByTestId('menu-shell').count()).toBe(0);
  expect(await page().getByTestId('menu-uninstall').count()).toBe(0);
  await page().keyboard.press('Escape');

  await page().getByTestId('nav-containers').click();
  const row = page().getByRole('row', { name: /photos/ });
  await row.getByText('running').waitFor();
  await row.getByTestId('row-logs').click();
  await page().getByTestId('detail').getByTestId('logs').getByText('the page is served').waitFor();
  await page().getByTestId('tab-ports').click();
  await page()
    .getByText(/Over TCP Gantry reaches ports that are published/)
    .waitFor();
  await page()
    .getByTestId('ports')
    .getByText(/^127\.0\.0\.1:\d+$/)
    .waitFor();
  await allPictures('tcp-ports');
  await shellAnswers(page());
});

it.skipIf(!hasOpenssl)('a cut: the last data stay, marked; the terminal offers to go on; it comes back by itself', async () => {
  await relay.cut();
  await page().getByText('connecting again').waitFor();
  await page()
    .getByRole('row', { name: /photos/ })
    .waitFor();
  await page().getByTestId('terminal-reopen').waitFor();
  await app().pictures('tcp-reconnecting');
  await relay.listen();
  await page().getByText('connecting again').waitFor({ state: 'hidden', timeout: 30_000 });
  const row = page().getByRole('row', { name: /photos/ });
  await row.getByTestId('row-stop').click();
  await row.getByText('exited').waitFor();
  await row.getByTestId('row-start').click();
  await row.getByText('running').waitFor();
  await page().getByTestId('terminal-reopen').click();
  await page().getByTestId('terminal-reopen').waitFor({ state: 'hidden' });
  const terminal = terminalOf(page());
  await terminal.place.click();
  await expect.poll(async () => (await terminal.screen()).filter(Boolean).at(-1), { timeout: 10_000 }).toMatch(/[#$] ?$/);
  await terminal.type('echo again $((40 + 2))');
  await terminal.sees(/^again 42$/);
});

it.skipIf(!hasOpenssl)('its containers are copied to this machine', async () => {
  await page()
    .getByRole('row', { name: /photos/ })
    .first()
    .click({ button: 'right' });
  await page().getByTestId('menu-copy-to').click();
  await page().getByTestId('transfer-preview').waitFor();
  await page().getByTestId('transfer-start').click();
  await page().getByTestId('transfer-dialog').getByText('Done', { exact: true }).waitFor({ timeout: 90_000 });
  expect((await app().engine.get('/containers/photos/json')).json.Config.Image).toBe('gantry/starter');
  await page().keyboard.press('Escape');
});

it.skipIf(!hasOpenssl)('other certificates: tried first, kept when they work or by wish, and connected with at once', async () => {
  const dialog = page().getByTestId('certificates-dialog');
  const kept = () => JSON.parse(readFileSync(path.join(app().folder, 'user', 'hosts.json'), 'utf8')).hosts.at(-1).security;
  const card = page()
    .getByTestId(/^host-h/)
    .filter({ hasText: 'nas' });
  await page().getByTestId('nav-hosts').click();
  await card.getByTestId(/^host-menu/).click();
  await page().getByTestId('menu-certificates').click();
  expect(await dialog.getByTestId('tcp-cert').inputValue()).toBe(path.join(certificates('ada'), 'cert.pem'));
  await expectAccessible(page());
  await allPictures('tcp-certificates');
  // What is refused is not kept.
  await choose(path.join(others.folder, 'stranger'));
  await dialog.getByTestId('tcp-ca').fill(ours.ca);
  await page().keyboard.press('Enter');
  await dialog.getByText('does not take your certificate').first().waitFor();
  await allPictures('tcp-certificates-refused');
  await app().resize(640, 400);
  await app().pictures('tcp-certificates-small');
  await app().resize(1440, 900);
  expect(kept().cert).toBe(path.join(certificates('ada'), 'cert.pem'));
  await dialog.getByTestId('certificates-anyway').click();
  await dialog.getByText('nas has these from now on').waitFor();
  await app().pictures('tcp-certificates-anyway');
  expect(kept()).toMatchObject({ cert: path.join(others.folder, 'stranger', 'cert.pem'), ca: ours.ca });
  expect(await page().evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('certificates-close');
  await page().keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  // Its trouble leads back here, and what works is kept by itself.
  await card.getByText('does not take your certificate').first().waitFor();
  await app().pictures('tcp-certificates-trouble');
  await card.getByTestId(/^certificates-/).click();
  await choose(certificates('grace'));
  await page().getByTestId('certificates-submit').click();
  await dialog.getByText('Let in as Grace Hopper').waitFor();
  await dialog.getByText('They work: nas is connected anew with them.').waitFor();
  await allPictures('tcp-certificates-kept');
  expect(kept().cert).toBe(path.join(certificates('grace'), 'cert.pem'));
  expect(await page().evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('certificates-close');
  await page().keyboard.press('Enter');
  await card.getByText('connected', { exact: true }).waitFor();
});

it.skipIf(!hasOpenssl)('each failure has its own words', async () => {
  const say = (text: string) => (socket: Socket) => void socket.once('data', () => socket.end(text));
  const alien = await talker((socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
  const clear = await talker(say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'));
  const nobody = await freePort();
  const ada = certificates('ada');
  const failures: { to: string; from?: string; files?: Record<string, string>; clear?: true; says: string; picture?: string }[] = [
    {
      to: `127.0.0.1:${port}`,
      from: ada,
      files: { ca: others.ca },
      says: `The certificate of 127.0.0.1:${port} is not of your CA`,
      picture: 'ca',
    },
    { to: `127.0.0.1:${port}`, from: ada, files: { ca: '' }, says: `Who signed the certificate of 127.0.0.1:${port} is not known` },
    { to: `127.0.0.2:${port}`, from: ada, says: 'Nothing listens at 127.0.0.2' },
    {
      to: `127.0.0.1:${port}`,
      from: path.join(others.folder, 'stranger'),
      files: { ca: ours.ca },
      says: 'does not take your certificate',
      picture: 'refused',
    },
    { to: `127.0.0.1:${port}`, from: certificates('late'), says: 'Your certificate has expired' },
    { to: `127.0.0.1:${port}`, from: ada, files: { cert: '', key: '' }, says: 'lets only clients with a certificate in' },
    { to: `127.0.0.1:${nobody}`, from: ada, says: `Nothing listens at 127.0.0.1:${nobody}` },
    { to: `127.0.0.1:${alien}`, from: ada, says: `What answers at 127.0.0.1:${alien} speaks no TLS` },
    { to: `127.0.0.1:${clear}`, from: ada, says: `What answers at 127.0.0.1:${clear} speaks no TLS`, picture: 'http' },
    { to: `127.0.0.1:${port}`, clear: true, says: `What answers at 127.0.0.1:${port} speaks TLS`, picture: 'clear' },
    { to: `127.0.0.1:${clear}`, clear: true, says: `What answers at 127.0.0.1:${clear} is no container engine` },
    { to: `127.0.0.1:${port}`, from: ada, files: { cert: '/nowhere/cert.pem' }, says: '/nowhere/cert.pem does not exist' },
    {
      to: `127.0.0.1:${port}`,
      from: ada,
      files: { key: path.join(ours.folder, 'server', 'key.pem') },
      says: 'Key and certificate do not belong together',
    },
  ];
  for (const { to, from, files = {}, clear: inClear, says, picture } of failures) {
    await open(`tcp://${to}`, from);
    if (inClear) await page().getByRole('radio', { name: 'In the clear' }).click();
    for (const [part, value] of Object.entries(files)) await page().getByTestId(`tcp-${part}`).fill(value);
    await submit();
    await page().getByTestId('add-host-dialog').getByText(says).first().waitFor();
    if (picture) await app().pictures(`tcp-failed-${picture}`);
    await page().keyboard.press('Escape');
    await page().getByTestId('add-host-dialog').waitFor({ state: 'hidden' });
  }
  // A name that is not in the certificate: 127.0.0.2 leads to the same engine through a relay of its own.
  const twin = createServer((socket) => {
    const inside = connect(port, '127.0.0.1');
    for (const each of [socket, inside]) each.on('error', () => {});
    socket.pipe(inside).pipe(socket);
  });
  talkers.push(twin);
  await new Promise<void>((resolve) => twin.listen(0, '127.0.0.2', resolve));
  const { port: twinPort } = twin.address() as AddressInfo;
  await open(`tcp://127.0.0.2:${twinPort}`, ada);
  await submit();
  await page().getByText(`The certificate of 127.0.0.2:${twinPort} is for another name`).waitFor();
  await page().getByText('It is for 127.0.0.1, localhost, not for 127.0.0.2').waitFor();
  await app().pictures('tcp-failed-name');
  await page().keyboard.press('Escape');
});

it.skipIf(!hasOpenssl)('a locked key: wrong and right passphrase, in no file', async () => {
  await open(`tcp://localhost:${port}`, certificates('locked'));
  await submit();
  await page().getByTestId('answer-0').fill('wrong');
  await page().keyboard.press('Enter');
  await page().getByText('This passphrase does not open the key.').waitFor();
  await app().pictures('tcp-passphrase');
  await page().getByTestId('answer-0').fill(PASSPHRASE);
  await page().keyboard.press('Enter');
  await page().getByText('Let in as Grace Hopper').waitFor();
  await page().keyboard.press('Escape');
  const { stdout, status } = spawnSync('grep', ['-rlF', PASSPHRASE, app().folder], { encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
  expect(readFileSync(path.join(app().folder, 'user', 'hosts.json'), 'utf8')).not.toContain('PRIVATE');
});

it.skipIf(!hasOpenssl || !isInstalled('dockerd'))('dockerd with TLS: lists, logs, a terminal; refusals in its words', async () => {
  const at = await freePort();
  peer = await startPeer('dockerd', listenFlags(at));
  const { json } = await peer.engine.post('/containers/create?name=theirs', {
    Image: 'gantry/starter:latest',
    HostConfig: { NetworkMode: 'none' },
  });
  expect((await peer.engine.post(`/containers/${json.Id}/start`)).status).toBe(204);
  const failures: [from: string, files: Record<string, string>, says: string][] = [
    [path.join(others.folder, 'stranger'), { ca: ours.ca }, 'does not take your certificate'],
    [certificates('late'), {}, 'Your certificate has expired'],
    [certificates('ada'), { cert: '', key: '' }, 'lets only clients with a certificate in'],
  ];
  for (const [from, files, says] of failures) {
    await open(`tcp://localhost:${at}`, from);
    for (const [part, value] of Object.entries(files)) await page().getByTestId(`tcp-${part}`).fill(value);
    await submit();
    await page().getByTestId('add-host-dialog').getByText(says).first().waitFor();
    await page().keyboard.press('Escape');
  }
  await open(`tcp://localhost:${at}`);
  await page().getByRole('radio', { name: 'In the clear' }).click();
  await submit();
  await page().getByText(`What answers at localhost:${at} speaks TLS`).waitFor();
  await page().getByRole('radio', { name: 'With TLS' }).click();
  await choose(certificates('ada'));
  await submit();
  await page()
    .getByText(/Docker .* answers/)
    .waitFor();
  await page().getByTestId('add-host-name').fill('build');
  await page().keyboard.press('Enter');
  await page()
    .getByTestId(/^host-h/)
    .filter({ hasText: 'build' })
    .getByText('connected')
    .waitFor();
  await page().getByTestId('nav-containers').click();
  const row = page().getByRole('row', { name: /theirs/ });
  await row.getByText('running').waitFor();
  await row.getByTestId('row-logs').click();
  await page().getByTestId('detail').getByTestId('logs').getByText('the page is served').waitFor();
  await shellAnswers(page());
});
