import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { app, BrowserWindow, ipcMain, nativeTheme, powerMonitor, protocol, safeStorage, session } from 'electron';
import { appLog } from './app-log.ts';
import { callsOf } from './calls.ts';
import { Hosts, hostsFileSchema, Keychain, secretsFileSchema } from './hosts/index.ts';
import { channelOf, type Topic } from './ipc/channels.ts';
import type { Settings } from './ipc/contract.ts';
import { engineScheme } from './ipc/engine-scheme.ts';
import { registerCalls } from './ipc/register.ts';
import * as schema from './ipc/schemas.ts';
import { Installs } from './provision/install/index.ts';
import { LocalHelper } from './provision/local/helper.ts';
import { STARTER_REFERENCE } from './provision/starter/load.ts';
import { APP_ORIGIN, appScheme } from './shell/app-scheme.ts';
import { guard } from './shell/guard.ts';
import { readLaunch } from './shell/launch.ts';
import { Leaving } from './shell/leaving.ts';
import { setMenu } from './shell/menu.ts';
import { SettingsStore } from './shell/settings.ts';
import { openWindow } from './shell/window.ts';
import { windowStateSchema } from './shell/window-state.ts';
import { readConfigFiles } from './ssh/index.ts';
import { JsonFile } from './store/json-file.ts';
import { startLocalShell, startSshShell, Terminals } from './streams/index.ts';
import { Batches, batchesFileSchema, Transfers, transfersFileSchema, underWay } from './transfer/index.ts';
import { Tunnels, tunnelsFileSchema } from './tunnels/index.ts';

/** Wiring only: builds the parts and hands them to each other. The bundle lies in dist/electron. */

const launch = readLaunch(process.argv, process.env);
const dist = join(__dirname, '..');
if (launch.userData) app.setPath('userData', launch.userData);
if (process.getuid?.() === 0) app.commandLine.appendSwitch('no-sandbox');

protocol.registerSchemesAsPrivileged([
  { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, corsEnabled: true, stream: true } },
  { scheme: 'engine', privileges: { standard: true, secure: true, supportFetchAPI: true, corsEnabled: true, stream: true } },
]);

if (app.requestSingleInstanceLock()) {
  app.whenReady().then(start, (error: unknown) => {
    console.error(error);
    app.exit(1);
  });
} else app.quit();

const INSTALL_END_MS = 60_000;

async function start(): Promise<void> {
  const userData = app.getPath('userData');
  const log = appLog(join(userData, 'gantry.log'));
  process.on('unhandledRejection', (reason) => log(`unhandled rejection: ${reason instanceof Error ? reason.stack : reason}`));
  const inUserData = (name: string) => join(userData, name);

  const settings = new SettingsStore(new JsonFile(inUserData('settings.json'), schema.settings), (changed) => {
    applySettings(changed);
    broadcast('settings.change', changed);
  });
  const damaged = await settings.load();
  if (damaged) log(`The settings were damaged; they lie at ${damaged}`);
  applySettings(settings.get());

  const script = firstOf(join(dist, 'gantryd.js'), join(process.resourcesPath, 'gantryd', 'gantryd.js'));
  const helper = new LocalHelper({
    ...launch.helper,
    script: script ?? join(dist, 'gantryd.js'),
    node: launch.node ? { command: launch.node, env: {} } : { command: process.execPath, env: { ELECTRON_RUN_AS_NODE: '1' } },
    logPath: inUserData('gantryd.log'),
    log,
  });
  const hosts = new Hosts({
    file: new JsonFile(inUserData('hosts.json'), hostsFileSchema),
    local: helper,
    onChange: (list) => {
      tunnels.onHosts(list);
      broadcast('hosts.change', list);
    },
    onEvents: (events) => {
      tunnels.onEvents(events);
      broadcast('hosts.events', events);
    },
    onAttempt: (attempt) => broadcast('attempts.change', attempt),
    sshFiles: () => readConfigFiles(),
    secrets: new Keychain(new JsonFile(inUserData('secrets.json'), secretsFileSchema), safeStorage),
    log,
  });
  const installs = new Installs({
    engine: script ?? join(dist, 'gantryd.js'),
    units: firstOf(join(process.resourcesPath, 'systemd'), join(dist, '..', 'assets', 'systemd')) ?? '',
    runtime: { shipped: [join(process.resourcesPath, 'runtime'), join(dist, 'runtime')], own: launch.node },
    onChange: (job) => {
      leaving.changed();
      broadcast('installs.change', job);
    },
    log,
  });
  const terminals = new Terminals({
    client: (hostId) => hosts.clientOrThrow(hostId),
    shell: async (hostId, size) => {
      const session = await hosts.shellSession(hostId, AbortSignal.timeout(30_000));
      return session ? startSshShell(session, size) : startLocalShell(size);
    },
    onChange: (list) => broadcast('terminals.change', list),
  });
  const tunnels = new Tunnels({
    file: new JsonFile(inUserData('tunnels.json'), tunnelsFileSchema),
    client: (hostId) => hosts.clientOrThrow(hostId),
    dial: (hostId, address, port, signal) => hosts.dialTcp(hostId, address, port, signal),
    onChange: (list) => broadcast('tunnels.change', list),
    log,
  });
  const nameOf = (hostId: string) => hosts.list().find(({ id }) => id === hostId)?.name ?? '';
  const transfers = new Transfers({
    file: new JsonFile(inUserData('transfers.json'), transfersFileSchema),
    client: (hostId) => hosts.clientOrThrow(hostId),
    lease: (hostId) => hosts.lease(hostId),
    whenConnected: (hostId, signal) => hosts.whenConnected(hostId, signal),
    hostName: nameOf,
    onChange: (list) => {
      leaving.changed();
      broadcast('transfers.change', list);
    },
    log,
  });
  const batches = new Batches({
    file: new JsonFile(inUserData('batches.json'), batchesFileSchema),
    transfers,
    hostName: nameOf,
    onChange: (list) => {
      leaving.changed();
      broadcast('batches.change', list);
    },
    log,
  });
  const leaving = new Leaving({
    underWay: () => underWay({ transfers: transfers.list(), batches: batches.list(), installs: installs.running() }),
    show: (things) => {
      broadcast('app.leaving', things);
      return BrowserWindow.getAllWindows().some(({ webContents }) => !webContents.isCrashed());
    },
    quit: () => app.quit(),
    log,
  });
  const archive = firstOf(launch.starter, join(dist, 'starter.tar'), join(process.resourcesPath, 'starter.tar'));

  guard(app, session.defaultSession);
  protocol.handle('app', appScheme(join(dist, 'renderer')));
  protocol.handle(
    'engine',
    engineScheme({ origin: APP_ORIGIN, client: (id) => hosts.client(id), whyNot: (id) => hosts.whyNotConnected(id) }),
  );
  registerCalls(
    ipcMain,
    callsOf({
      app,
      demo: launch.demo,
      leaving,
      hosts,
      terminals,
      tunnels,
      transfers,
      batches,
      installs,
      helper,
      settings,
      starter: { reference: STARTER_REFERENCE, archive },
    }),
    APP_ORIGIN,
    log,
  );

  await tunnels.load();
  await hosts.start();
  await transfers.load();
  await batches.load();
  powerMonitor.on('resume', () => hosts.reconnectAll());
  const windowFile = new JsonFile(inUserData('window.json'), windowStateSchema);
  const open = async () => {
    const window = await openWindow({
      preload: join(__dirname, 'preload.cjs'),
      file: windowFile,
      icon: firstOf(join(dist, 'icon.png')),
      // On macOS the app lives on without a window, and so does its work.
      mayClose: () => process.platform === 'darwin' || BrowserWindow.getAllWindows().length > 1 || leaving.mayLeave(),
    });
    window.on('session-end', () => leaving.atOnce());
  };
  await open();

  app.on('second-instance', () => {
    const [window] = BrowserWindow.getAllWindows();
    if (!window) return void open();
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
  });
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) void open();
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('before-quit', (event) => {
    if (!leaving.mayLeave()) event.preventDefault();
  });
  // Ctrl+C is the user's, who can answer; a second one is an answer. The others are how a system ends what runs on it.
  process.once('SIGINT', () => {
    process.on('SIGINT', () => leaving.atOnce());
    app.quit();
  });
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => leaving.atOnce());
  powerMonitor.on('shutdown', () => leaving.atOnce());

  let stopped = false;
  app.on('will-quit', (event) => {
    if (stopped) return;
    event.preventDefault();
    stopped = true;
    terminals.closeAll();
    // What is set up on a machine is undone before its connection goes; a machine that does not come back is not waited for.
    void Promise.race([installs.stop(), new Promise((resolve) => setTimeout(resolve, INSTALL_END_MS))])
      .then(() => batches.stop())
      .then(() => transfers.stop())
      .then((brokenOff) => batches.keep(brokenOff))
      .then(() => tunnels.closeAll())
      .then(() => hosts.stop())
      .then(() => Promise.all([helper.stop(), windowFile.settled()]))
      .catch((error: unknown) => log(`stopping: ${error}`))
      .finally(() => app.quit());
  });
}

function applySettings({ theme, language }: Settings): void {
  nativeTheme.themeSource = theme;
  const system = app.getLocale().toLowerCase().startsWith('zh') ? 'zh' : 'en';
  setMenu(language === 'system' ? system : language);
}

function broadcast(topic: Topic, value: unknown): void {
  for (const window of BrowserWindow.getAllWindows()) if (!window.isDestroyed()) window.webContents.send(channelOf(topic), value);
}

function firstOf(...paths: (string | undefined)[]): string | undefined {
  return paths.find((path) => path !== undefined && existsSync(path));
}
