import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InstallJob } from '../electron/ipc/contract.ts';
import { Installs, remoteMachine } from '../electron/provision/install/index.ts';
import { connectSsh, parseAddress, readConfigFiles, type SshSession } from '../electron/ssh/index.ts';
import { answers, MemorySecrets } from '../electron/testing/ssh-answers.ts';
import { vmDisk } from '../scripts/vm/disk.mjs';
import { startMachine, type VirtualMachine } from '../scripts/vm/machine.mjs';
import { application, ROOT } from './app.ts';
import { shellAnswers } from './terminal.ts';

/** A machine as users have it: systemd, cgroup v2, a kernel of its own, sudo with a password. Emulated: everything takes its time. */
const SLOW = { timeout: 300_000 };
const PASSWORD = 'open sesame';

process.env.XDG_CACHE_HOME ??= path.join(homedir(), '.cache');
const home = mkdtempSync(path.join(tmpdir(), 'gantry-home-'));
const image = await vmDisk();
process.env.HOME = home;
process.env.GANTRY_NODE = process.execPath;
delete process.env.SSH_AUTH_SOCK;

const app = application();
let machine: VirtualMachine;

async function there(command: string, input?: string | Buffer): Promise<string> {
  const { code, output } = await machine.ssh(command, { ...(input !== undefined && { input }), timeoutMs: 240_000 });
  if (code !== 0) throw new Error(`${command}: code ${code}\n${output}`);
  return output.trim();
}

/** The machine has no way out: what apt is to bring comes from a folder there. */
async function offerPackages(...names: string[]): Promise<void> {
  const folder = path.join(home, 'packages');
  mkdirSync(folder);
  execFileSync('apt-get', ['-q', 'download', ...names], { cwd: folder, stdio: 'ignore' });
  await there('mkdir -p /srv/packages');
  for (const name of readdirSync(folder)) await there(`cat >/srv/packages/${name}`, readFileSync(path.join(folder, name)));
  await there(`cd /srv/packages && for each in *.deb; do
  dpkg-deb -f "$each"; echo "Filename: ./$each"; echo "Size: $(stat -c %s "$each")"; echo "SHA256: $(sha256sum "$each" | cut -d ' ' -f 1)"; echo
done >Packages
rm -rf /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/srv/packages ./' >/etc/apt/sources.list
DEBIAN_FRONTEND=noninteractive apt-get -q -y remove ${names.join(' ')}`);
}

beforeAll(async () => {
  machine = await startMachine(image, { memory: 1500, reboots: true });
  await there(`useradd -m -s /bin/bash -G sudo ada && echo 'ada:${PASSWORD}' | chpasswd
mkdir -m 700 /home/ada/.ssh && cp /root/.ssh/authorized_keys /home/ada/.ssh && chown -R ada: /home/ada/.ssh`);
  await offerPackages('crun', 'conmon');
  mkdirSync(path.join(home, '.ssh'), { mode: 0o700 });
  const block = `Host vm\n  HostName 127.0.0.1\n  Port ${machine.port}\n  User ada\n  IdentityFile ${machine.key}\n`;
  writeFileSync(path.join(home, '.ssh', 'config'), block);
});
afterAll(async () => {
  await machine?.stop();
  rmSync(home, { recursive: true, force: true });
});

interface Inspect {
  State: { Running: boolean; Pid: number };
}
/** Of the application's id for the machine; known once it is set up. */
let host = '';
const container = (on: string, name: string) =>
  app().page.evaluate(
    async ([id, which]) => {
      const answer = await fetch(`engine://${id}/containers/${which}/json`);
      return answer.ok ? answer.json() : undefined;
    },
    [on, name],
  ) as Promise<Inspect | undefined>;
const row = (name: string) => app().page.getByRole('row', { name: new RegExp(name) });
const card = () =>
  app()
    .page.getByTestId(/^host-h/)
    .filter({ hasText: 'vm' });

/** A container of the starter image. */
async function launch(on: string, name: string, HostConfig: Record<string, unknown>): Promise<void> {
  const status = await app().page.evaluate(
    async ([id, called, body]) => {
      const method = 'POST';
      await fetch(`engine://${id}/containers/create?name=${called}`, { method, headers: { 'Content-Type': 'application/json' }, body });
      return (await fetch(`engine://${id}/containers/${called}/start`, { method })).status;
    },
    [on, name, JSON.stringify({ Image: 'gantry/starter', HostConfig })],
  );
  expect(status).toBe(204);
}

it('install by click: a wrong sudo password and a right one, packages by apt, a service', async () => {
  const { page, pictures } = app();
  page.setDefaultTimeout(SLOW.timeout);
  await page.getByTestId('nav-hosts').click();
  await page.getByTestId('add-host').click();
  await page.getByTestId('suggestion-vm').click();
  await page.getByTestId('answer-yes').click();
  await page.getByTestId('install-open').click();
  await page.getByTestId('install').getByText('Install the packages that it needs').waitFor();
  await page.getByTestId('install-run').click();
  await page.getByTestId('answer-0').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('sudo did not accept this password').waitFor();
  await pictures('vm-sudo');
  await page.getByTestId('answer-0').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByTestId('engine-Gantry').waitFor();
  await pictures('vm-installed');
  await page.getByTestId('add-host-name').fill('vm');
  await page.keyboard.press('Enter');
  await card().getByText('connected').waitFor();
  host = (await card().getAttribute('data-testid'))?.replace('host-', '') ?? '';

  expect(
    await there('systemctl is-active gantry.service gantry.socket; systemctl is-enabled gantry.service; ls /tmp | grep ^gantry- || true'),
  ).toBe('active\nactive\nenabled');
  expect(await there('id -nG ada')).toContain('gantry');
  expect(await there('command -v crun conmon')).toBe('/usr/bin/crun\n/usr/bin/conmon');
  // The password is nowhere but in our memory.
  expect(
    await there(
      `! journalctl --no-pager | grep -F '${PASSWORD}'; ! grep -rF '${PASSWORD}' /tmp /var/log /usr/local /etc/systemd 2>/dev/null`,
    ),
  ).toBe('');
  expect(readFileSync(path.join(app().folder, 'user', 'gantry.log'), 'utf8')).not.toContain(PASSWORD);
});

it('runs the starter image: logs, and a shell', async () => {
  const { page, pictures } = app();
  await page.evaluate((id) => window.gantry.starter.load(id), host);
  await launch(host, 'there', { RestartPolicy: { Name: 'always' } });
  await page.getByTestId('nav-containers').click();
  await row('there').getByText('running').waitFor();
  await row('there').getByTestId('row-logs').click();
  await page.getByTestId('detail').getByTestId('logs').getByText('the page is served').waitFor();
  await shellAnswers(page, 120_000);
  await pictures('vm-shell');
});

it('a container of this machine is moved to it with its volume, runs there, and is moved back', async () => {
  const { page, engine, pictures } = app();
  await page.evaluate(() => window.gantry.starter.load('local'));
  await launch('local', 'traveller', { Binds: ['luggage:/luggage'] });
  const data = async () => (await engine.get('/volumes/luggage')).json.Mountpoint as string;
  writeFileSync(path.join(await data(), 'file'), 'from here\n');
  const move = async (): Promise<void> => {
    await page.getByTestId('nav-containers').click();
    await row('traveller').first().click({ button: 'right' });
    await page.getByTestId('menu-move-to').click();
    await page.getByTestId('transfer-preview').getByText('luggage').waitFor();
    await pictures('vm-move');
    await page.getByTestId('transfer-start').click();
    await page.getByTestId('transfer-dialog').getByText('Done', { exact: true }).waitFor();
    await page.getByTestId('transfer-close').click();
  };
  await move();
  expect((await container(host, 'traveller'))?.State.Running).toBe(true);
  expect(await container('local', 'traveller')).toBeUndefined();
  const luggage = '/var/lib/gantry/volumes/luggage/_data/file';
  expect(await there(`cat ${luggage} && echo from there >>${luggage}`)).toBe('from here');

  await engine.delete('/volumes/luggage');
  await move();
  expect((await container('local', 'traveller'))?.State.Running).toBe(true);
  expect(await container(host, 'traveller')).toBeUndefined();
  expect(readFileSync(path.join(await data(), 'file'), 'utf8')).toBe('from here\nfrom there\n');
  await engine.delete('/containers/traveller?force=1');
});

it('restarts with its machine, and is found again by itself', async () => {
  const { page } = app();
  await machine.ssh('systemctl reboot');
  await page.getByText('connecting again').waitFor();
  await page.getByText('connecting again').waitFor({ state: 'hidden' });
  await row('there').getByText('running').waitFor();
  expect((await container(host, 'there'))?.State.Running).toBe(true);
});

it('is upgraded without a stop of its containers, and uninstalled without a trace', async () => {
  const { page } = app();
  const before = await container(host, 'there');
  await page.getByTestId('nav-hosts').click();
  await page.getByTestId(`host-menu-${host}`).click();
  await page.getByRole('menuitem', { name: 'Upgrade the engine…' }).click();
  await page.getByTestId('install-run').click();
  await page.getByTestId('answer-0').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByTestId('toast').getByText('The engine on vm is up to date').waitFor();
  await card().getByText('connected').waitFor();
  expect((await container(host, 'there'))?.State).toMatchObject({ Running: true, Pid: before?.State.Pid });

  await page.getByTestId(`host-menu-${host}`).click();
  await page.getByRole('menuitem', { name: 'Uninstall the engine…' }).click();
  await page.getByText('Also delete its images, containers and volumes').click();
  await page.getByTestId('install-run').click();
  await page.getByTestId('answer-0').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByTestId('toast').getByText("Gantry's engine is gone from vm").waitFor();
  expect(
    await there(
      `ls -d /usr/local/lib/gantry* /usr/local/bin/gantryd /var/lib/gantry /run/gantry* /tmp/gantry* /var/cache/gantry* /etc/systemd/system/gantry* 2>/dev/null
ip -o link | grep -c -v ' \\(lo\\|en[a-z0-9]*\\):'; nft list tables; grep gantry /etc/group; pgrep -a conmon; true`,
    ),
  ).toBe('0');
});

it('an upgrade that does not start under systemd puts back the engine that was there', async () => {
  const files = await readConfigFiles({ home });
  const secrets = new MemorySecrets();
  let session: SshSession | undefined;
  const connect = async (signal: AbortSignal) => {
    if (!session || session.closed)
      session = await connectSsh(parseAddress('root@vm'), { files, secrets, ask: answers(true), signal, answerMs: 120_000 });
    return session;
  };
  const jobs = new Map<string, InstallJob>();
  const does = async (action: InstallJob['action'], engine: string): Promise<InstallJob> => {
    const installs = new Installs({
      engine,
      units: path.join(ROOT, 'assets', 'systemd'),
      runtime: { shipped: [], own: process.execPath },
      onChange: (job) => jobs.set(job.id, job),
      log: () => {},
    });
    const { id } = installs.start(remoteMachine('root@vm', connect), action);
    await expect.poll(() => jobs.get(id)?.state, SLOW).toBe('ready');
    installs.run(id);
    await expect.poll(() => jobs.get(id)?.state, SLOW).toMatch(/^(done|failed)$/);
    return jobs.get(id) as InstallJob;
  };
  try {
    expect((await does('install', path.join(ROOT, 'dist', 'gantryd.js'))).error).toBeUndefined();
    const pid = () => there('systemctl show --value -p MainPID gantry.service');
    const before = await pid();
    const broken = path.join(home, 'broken.js');
    writeFileSync(broken, 'process.stderr.write("broken by intent\\n"); process.exit(1);');
    const failed = await does('upgrade', broken);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'install-step', values: { step: 'swap' } } });
    expect(failed.error?.detail).toMatch(/broken by intent/);
    expect(failed.steps.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'upload undone',
      'swap undone',
      'verify waiting',
      'cleanup waiting',
    ]);
    expect(await there('systemctl is-active gantry.service; gantryd --version; ls /tmp | grep ^gantry- || true')).toMatch(
      /^active\nGantry version .*$/,
    );
    expect(await pid()).not.toBe(before);
    expect((await does('uninstall', broken)).error).toBeUndefined();
  } finally {
    session?.close();
  }
});
