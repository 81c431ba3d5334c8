import { contextBridge, type IpcRendererEvent, ipcRenderer } from 'electron';
import { type Call, channelOf, PORT_CHANNEL, type Reply, type Topic } from './ipc/channels.ts';
import type { GantryApi } from './ipc/contract.ts';

/** The bridge: window.gantry, and nothing else. What main does with a call is checked there. */

// biome-ignore lint/suspicious/noExplicitAny: the answer's type is the contract's; GantryApi below holds it.
async function call(name: Call, ...args: unknown[]): Promise<any> {
  const reply: Reply = await ipcRenderer.invoke(channelOf(name), ...args);
  if (!reply.ok) throw new Error(reply.message);
  return reply.value;
}

function subscribe<T>(topic: Topic, listener: (value: T) => void): () => void {
  const channel = channelOf(topic);
  const receive = (_event: IpcRendererEvent, value: T) => listener(value);
  ipcRenderer.on(channel, receive);
  return () => void ipcRenderer.removeListener(channel, receive);
}

const api: GantryApi = {
  app: {
    info: () => call('app.info'),
    leaving: () => call('app.leaving'),
    onLeaving: (listener) => subscribe('app.leaving', listener),
    leave: (yes) => call('app.leave', yes),
  },
  hosts: {
    list: () => call('hosts.list'),
    onChange: (listener) => subscribe('hosts.change', listener),
    onEvents: (listener) => subscribe('hosts.events', listener),
    detect: () => call('hosts.detect'),
    addSocket: (host) => call('hosts.addSocket', host),
    update: (id, change) => call('hosts.update', id, change),
    remove: (id) => call('hosts.remove', id),
    reconnect: (id) => call('hosts.reconnect', id),
    watch: (id) => call('hosts.watch', id),
    suggestions: () => call('hosts.suggestions'),
    addSsh: (host) => call('hosts.addSsh', host),
    addTcp: (host) => call('hosts.addTcp', host),
    changeCertificates: (id, how) => call('hosts.changeCertificates', id, how),
    certificates: (folder) => call('hosts.certificates', folder),
  },
  attempts: {
    start: (address) => call('attempts.start', address),
    startTcp: (address, security) => call('attempts.startTcp', address, security),
    signIn: (hostId) => call('attempts.signIn', hostId),
    onChange: (listener) => subscribe('attempts.change', listener),
    answer: (id, questionId, answer) => call('attempts.answer', id, questionId, answer),
    lookAgain: (id, socketPath) => call('attempts.lookAgain', id, socketPath),
    again: (id) => call('attempts.again', id),
    end: (id) => call('attempts.end', id),
  },
  installs: {
    start: (target, action) => call('installs.start', target, action),
    onChange: (listener) => subscribe('installs.change', listener),
    keepData: (id, keep) => call('installs.keepData', id, keep),
    run: (id, confirmed) => call('installs.run', id, confirmed),
    answer: (id, questionId, answer) => call('installs.answer', id, questionId, answer),
    end: (id) => call('installs.end', id),
  },
  starter: { load: (hostId) => call('starter.load', hostId) },
  terminals: {
    list: () => call('terminals.list'),
    onChange: (listener) => subscribe('terminals.change', listener),
    open: (request) => call('terminals.open', request),
    openOnHost: (request) => call('terminals.openOnHost', request),
    view: (id) => call('terminals.view', id),
    reopen: (id) => call('terminals.reopen', id),
    close: (id) => call('terminals.close', id),
  },
  transfers: {
    plan: (source, to) => call('transfers.plan', source, to),
    start: (request) => call('transfers.start', request),
    cancel: (id) => call('transfers.cancel', id),
    forget: (id) => call('transfers.forget', id),
    list: () => call('transfers.list'),
    onChange: (listener) => subscribe('transfers.change', listener),
  },
  batches: {
    start: (request) => call('batches.start', request),
    goOn: (id) => call('batches.goOn', id),
    cancel: (id) => call('batches.cancel', id),
    forget: (id) => call('batches.forget', id),
    list: () => call('batches.list'),
    onChange: (listener) => subscribe('batches.change', listener),
  },
  logs: { open: (request) => call('logs.open', request) },
  tunnels: {
    list: () => call('tunnels.list'),
    onChange: (listener) => subscribe('tunnels.change', listener),
    open: (request) => call('tunnels.open', request),
    reopen: (id) => call('tunnels.reopen', id),
    stop: (id) => call('tunnels.stop', id),
    notNow: (hostId) => call('tunnels.notNow', hostId),
  },
  dialogs: {
    pickPath: (options) => call('dialogs.pickPath', options),
    saveText: (options) => call('dialogs.saveText', options),
  },
  shell: {
    openExternal: (url) => call('shell.openExternal', url),
    copy: (text) => call('shell.copy', text),
  },
  settings: {
    get: () => call('settings.get'),
    set: (change) => call('settings.set', change),
    onChange: (listener) => subscribe('settings.change', listener),
  },
};

// A MessagePort can't pass the bridge; the page gets it as a message from its own window.
ipcRenderer.on(PORT_CHANNEL, (event, { token }: { token: string }) => {
  window.postMessage({ type: 'gantry-port', token }, window.location.origin, event.ports as unknown as MessagePort[]);
});

contextBridge.exposeInMainWorld('gantry', api);
