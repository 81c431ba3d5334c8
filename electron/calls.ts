import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type App, BrowserWindow, clipboard, MessageChannelMain, shell, type WebContents } from 'electron';
import type { Hosts } from './hosts/index.ts';
import { PORT_CHANNEL } from './ipc/channels.ts';
import type { AppInfo } from './ipc/contract.ts';
import { type Calls, call } from './ipc/register.ts';
import * as schema from './ipc/schemas.ts';
import { watchMachine } from './machine/index.ts';
import { type Installs, localMachine, remoteMachine } from './provision/install/index.ts';
import type { LocalHelper } from './provision/local/helper.ts';
import { loadStarter } from './provision/starter/load.ts';
import { pickPath, saveText } from './shell/dialogs.ts';
import type { Leaving } from './shell/leaving.ts';
import type { SettingsStore } from './shell/settings.ts';
import { portOf, readLogs, type StreamPort, type Terminals } from './streams/index.ts';
import { certificatesIn } from './tcp/index.ts';
import type { Batches, Transfers } from './transfer/index.ts';
import type { Tunnels } from './tunnels/index.ts';

export interface Parts {
  app: App;
  demo: boolean;
  leaving: Leaving;
  hosts: Hosts;
  terminals: Terminals;
  transfers: Transfers;
  batches: Batches;
  installs: Installs;
  helper: LocalHelper;
  tunnels: Tunnels;
  settings: SettingsStore;
  starter: { reference: string; archive: string | undefined };
}

const CONNECT_MS = 30_000;

/** What each call of the contract does: one line to the part that knows. */
export function callsOf({
  app,
  demo,
  leaving,
  hosts,
  terminals,
  transfers,
  batches,
  tunnels,
  installs,
  helper,
  settings,
  starter,
}: Parts): Calls {
  return {
    'app.info': call(
      [],
      (): AppInfo => ({
        version: app.getVersion(),
        electron: process.versions.electron ?? '',
        platform: process.platform,
        locale: app.getLocale(),
        demo,
        starterImage: { reference: starter.reference, available: starter.archive !== undefined },
      }),
    ),
    'app.leaving': call([], () => leaving.seen()),
    'app.leave': call([schema.yesOrNo], (_, yes) => leaving.answer(yes)),
    'hosts.list': call([], () => hosts.list()),
    'hosts.detect': call([], () => hosts.detect()),
    'hosts.addSocket': call([schema.newSocketHost], (_, host) => hosts.addSocket(host)),
    'hosts.update': call([schema.id, schema.hostChange], (_, id, change) => hosts.update(id, change)),
    'hosts.remove': call([schema.id], (_, id) => hosts.remove(id)),
    'hosts.reconnect': call([schema.id], (_, id) => hosts.reconnect(id)),
    'hosts.watch': call([schema.id], (sender, id) => {
      const host = hosts.list().find((candidate) => candidate.id === id) ?? fail('This host is not in the list any more');
      return sendPort(sender, (port) => {
        const session = (signal: AbortSignal) => hosts.session(id, signal);
        void watchMachine({ host, client: () => hosts.clientOrThrow(id), session, port });
      });
    }),
    'hosts.suggestions': call([], () => hosts.suggestions()),
    'hosts.addSsh': call([schema.newSshHost], (_, host) => hosts.addSsh(host)),
    'hosts.addTcp': call([schema.newTcpHost], (_, host) => hosts.addTcp(host)),
    'hosts.changeCertificates': call([schema.id, schema.newCertificates], (_, id, how) => hosts.changeCertificates(id, how)),
    'hosts.certificates': call([schema.optionalFolder], (_, folder) => certificatesIn(folder)),
    'attempts.start': call([schema.address], (_, address) => hosts.attempts.start(address)),
    'attempts.startTcp': call([schema.address, schema.tcpSecurity], (_, address, security) => hosts.attempts.startTcp(address, security)),
    'attempts.signIn': call([schema.id], (_, id) => hosts.signIn(id)),
    'attempts.answer': call([schema.id, schema.id, schema.connectAnswer], (_, id, questionId, answer) =>
      hosts.attempts.answer(id, questionId, answer),
    ),
    'attempts.lookAgain': call([schema.id, schema.optionalPath], (_, id, path) => hosts.attempts.lookAgain(id, path)),
    'attempts.again': call([schema.id], (_, id) => hosts.attempts.again(id)),
    'attempts.end': call([schema.id], (_, id) => hosts.attempts.end(id)),
    'installs.start': call([schema.installTarget, schema.installAction], async (_, target, action) => {
      if ('attempt' in target) {
        const { attempts } = hosts;
        const { machine } = await attempts.session(target.attempt, AbortSignal.timeout(CONNECT_MS));
        return installs.start(
          remoteMachine(machine, (signal) => attempts.session(target.attempt, signal)),
          action,
          {
            before: async () => attempts.hold(target.attempt),
            after: () => {
              attempts.release(target.attempt);
              attempts.again(target.attempt);
            },
          },
        );
      }
      const { host } = target;
      const permit = (confirmed: string | undefined) => hosts.guardChange(host, { isDeletion: action === 'uninstall', confirmed });
      const after = () => hosts.renew(host);
      if (host === 'local') {
        const before = () => helper.suspend();
        return installs.start(localMachine(hostname()), action, {
          permit,
          before,
          after: () => {
            helper.resume();
            after();
          },
        });
      }
      const { machine } = await hosts.session(host, AbortSignal.timeout(CONNECT_MS));
      return installs.start(
        remoteMachine(machine, (signal) => hosts.session(host, signal)),
        action,
        { permit, after },
      );
    }),
    'installs.keepData': call([schema.id, schema.yesOrNo], (_, id, keep) => installs.keepData(id, keep)),
    'installs.run': call([schema.id, schema.confirmed], (_, id, confirmed) => installs.run(id, confirmed)),
    'installs.answer': call([schema.id, schema.id, schema.connectAnswer], (_, id, questionId, answer) =>
      installs.answer(id, questionId, answer),
    ),
    'installs.end': call([schema.id], (_, id) => installs.end(id)),
    'starter.load': call([schema.id], (_, hostId) => {
      if (!starter.archive) throw new Error('The starter image was not built: run the set-up again');
      const { client, release } = hosts.lease(hostId);
      return loadStarter(client, starter.archive).finally(release);
    }),
    'terminals.list': call([], () => terminals.list()),
    'terminals.open': call([schema.openTerminal], (_, { command, ...request }) =>
      terminals.open({ ...request, ...(command && { command }) }),
    ),
    'terminals.openOnHost': call([schema.openHostShell], (_, request) => {
      hosts.guardChange(request.hostId);
      return terminals.openOnHost(request);
    }),
    'terminals.view': call([schema.id], (sender, id) => sendPort(sender, (port) => terminals.view(id, port))),
    'terminals.reopen': call([schema.id], (_, id) => terminals.reopen(id)),
    'terminals.close': call([schema.id], (_, id) => terminals.close(id)),
    'transfers.plan': call([schema.transferSource, schema.id], (_, source, to) => transfers.plan(source, to)),
    'transfers.start': call([schema.startTransfer], (_, { name, ...request }) => transfers.start({ ...request, ...(name && { name }) })),
    'transfers.cancel': call([schema.id], (_, id) => transfers.cancel(id)),
    'transfers.forget': call([schema.id], (_, id) => transfers.forget(id)),
    'transfers.list': call([], () => transfers.list()),
    'batches.start': call([schema.startBatch], (_, request) => batches.start(request)),
    'batches.goOn': call([schema.id], (_, id) => batches.goOn(id)),
    'batches.cancel': call([schema.id], (_, id) => batches.cancel(id)),
    'batches.forget': call([schema.id], (_, id) => batches.forget(id)),
    'batches.list': call([], () => batches.list()),
    'logs.open': call([schema.openLogs], (sender, { since, ...request }) => {
      hosts.list().find(({ id }) => id === request.hostId) ?? fail('This host is not in the list any more');
      return sendPort(sender, (port) => {
        const whenConnected = (signal: AbortSignal) => hosts.whenConnected(request.hostId, signal);
        void readLogs({ request: { ...request, ...(since !== undefined && { since }) }, port, whenConnected });
      });
    }),
    'tunnels.list': call([], () => tunnels.list()),
    'tunnels.open': call([schema.openTunnel], (_, request) => tunnels.open(request)),
    'tunnels.reopen': call([schema.id], (_, id) => tunnels.reopen(id)),
    'tunnels.stop': call([schema.id], (_, id) => tunnels.stop(id)),
    'tunnels.notNow': call([schema.id], (_, hostId) => tunnels.notNow(hostId)),
    'dialogs.pickPath': call([schema.pickPath], (sender, { kind, title }) => pickPath(windowOf(sender), kind, title)),
    'dialogs.saveText': call([schema.saveText], (sender, { title, name, text }) => saveText(windowOf(sender), title, name, text)),
    'shell.openExternal': call([schema.webAddress], (_, url) => shell.openExternal(url)),
    'shell.copy': call([schema.clipboardText], (_, text) => clipboard.writeText(text)),
    'settings.get': call([], () => settings.get()),
    'settings.set': call([schema.settingsChange], (_, change) => settings.set(change)),
  };
}

/** Makes a channel, gives our end away, and sends the other to the page under a token. */
function sendPort(sender: WebContents, use: (port: StreamPort) => void): string {
  const { port1, port2 } = new MessageChannelMain();
  const token = randomBytes(12).toString('hex');
  use(portOf(port1));
  sender.postMessage(PORT_CHANNEL, { token }, [port2]);
  return token;
}

function windowOf(sender: WebContents): BrowserWindow {
  return BrowserWindow.fromWebContents(sender) ?? fail('The window was closed');
}

function fail(message: string): never {
  throw new Error(message);
}
