/** Names on the wire between preload and main. Calls are one channel each, so that every one has its own check. */
export const CALLS = [
  'app.info',
  'hosts.list',
  'hosts.detect',
  'hosts.addSocket',
  'hosts.update',
  'hosts.remove',
  'hosts.reconnect',
  'hosts.watch',
  'hosts.suggestions',
  'hosts.addSsh',
  'hosts.addTcp',
  'hosts.certificates',
  'attempts.start',
  'attempts.startTcp',
  'attempts.signIn',
  'attempts.answer',
  'attempts.lookAgain',
  'attempts.again',
  'attempts.end',
  'installs.start',
  'installs.keepData',
  'installs.run',
  'installs.answer',
  'installs.end',
  'starter.load',
  'terminals.list',
  'terminals.open',
  'terminals.openOnHost',
  'terminals.view',
  'terminals.reopen',
  'terminals.close',
  'transfers.plan',
  'transfers.start',
  'transfers.cancel',
  'transfers.forget',
  'transfers.list',
  'logs.open',
  'tunnels.list',
  'tunnels.open',
  'tunnels.reopen',
  'tunnels.stop',
  'tunnels.notNow',
  'dialogs.pickPath',
  'dialogs.saveText',
  'shell.openExternal',
  'shell.copy',
  'settings.get',
  'settings.set',
] as const;
export type Call = (typeof CALLS)[number];

export const TOPICS = [
  'hosts.change',
  'hosts.events',
  'attempts.change',
  'installs.change',
  'terminals.change',
  'tunnels.change',
  'transfers.change',
  'settings.change',
] as const;
export type Topic = (typeof TOPICS)[number];

export const PORT_CHANNEL = 'gantry:port';
export const channelOf = (name: Call | Topic) => `gantry:${name}`;

/** Errors travel as values: Electron would put "Error invoking remote method" before the sentence for the user. */
export type Reply = { ok: true; value: unknown } | { ok: false; message: string };
