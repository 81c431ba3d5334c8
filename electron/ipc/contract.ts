/**
 * The one contract between the main process and the renderer (types only, by subject in contract/; schemas beside it in
 * schemas.ts). Imports nothing else.
 *
 * Three ways, each for what it is good at:
 * 1. `fetch('engine://HOST/PATH')`: Docker API requests and answers that end by themselves or are read as fast as they come
 *    (lists, inspect, create, start, pull progress). HOST is a host id. Status, headers and body are the engine's own.
 *    When no engine answers: 503 with `{"message": …}` and the header `X-Gantry-Error: connection`.
 *    Cancelling the body (reader.cancel()) closes the connection to the engine.
 * 2. `window.gantry.…` (GantryApi below): typed calls and subscriptions.
 * 3. MessagePorts for what is two-way or may outrun its reader: terminals and logs, with credits (see StreamUp, StreamDown).
 *    A port arrives as a `message` event on `window` with data `{ type: 'gantry-port', token }` and the port in `ports[0]`,
 *    `token` being what the call that asked for it returned.
 */
import type { AppInfo, Settings, UnderWay, Unsubscribe } from './contract/app.ts';
import type { ConnectAnswer, ConnectAttempt, HostSuggestion, NewCertificates, NewSshHost, NewTcpHost } from './contract/connecting.ts';
import type { FoundEngine, Host, HostChange, HostEvent, NewSocketHost, TcpSecurity } from './contract/hosts.ts';
import type { InstallAction, InstallJob, InstallTarget } from './contract/install.ts';
import type { OpenHostShell, OpenLogs, OpenTerminal, TerminalInfo } from './contract/streams.ts';
import type { Batch, StartBatch, StartTransfer, Transfer, TransferPlan, TransferSource } from './contract/transfer.ts';
import type { OpenedTunnel, OpenTunnel, Tunnel } from './contract/tunnels.ts';

export type * from './contract/app.ts';
export type * from './contract/connecting.ts';
export type * from './contract/hosts.ts';
export type * from './contract/install.ts';
export type * from './contract/machine.ts';
export type * from './contract/streams.ts';
export type * from './contract/transfer.ts';
export type * from './contract/tunnels.ts';

/** What the preload script exposes as `window.gantry`. Every call may reject with an Error whose message is for the user. */
export interface GantryApi {
  app: {
    info(): Promise<AppInfo>;
    /** What the user is asked about, because the app is about to end in its midst; null when it is not. */
    leaving(): Promise<UnderWay[] | null>;
    /** The answer of `leaving` has changed. */
    onLeaving(listener: (things: UnderWay[] | null) => void): Unsubscribe;
    /** @param yes ends the app; else it stays */
    leave(yes: boolean): Promise<void>;
  };
  hosts: {
    list(): Promise<Host[]>;
    onChange(listener: (hosts: Host[]) => void): Unsubscribe;
    onEvents(listener: (events: HostEvent[]) => void): Unsubscribe;
    detect(): Promise<FoundEngine[]>;
    addSocket(host: NewSocketHost): Promise<Host>;
    update(id: string, change: HostChange): Promise<Host>;
    remove(id: string): Promise<void>;
    /** Tries again now (also restarts the local helper when it is down). */
    reconnect(id: string): Promise<void>;
    /** A port (StreamDown) that sends what the machine uses; resolves with the token. Closing the port ends it. */
    watch(id: string): Promise<string>;
    suggestions(): Promise<HostSuggestion[]>;
    addSsh(host: NewSshHost): Promise<Host>;
    addTcp(host: NewTcpHost): Promise<Host>;
    /**
     * Other certificates for a host of kind tcp, whose connections end and are made anew with them.
     *
     * @param how an attempt to its address that got through; or, for certificates that don't work yet, what they are
     */
    changeCertificates(id: string, how: NewCertificates): Promise<Host>;
    /** The files in a folder that are named as docker names certificates; without a folder, in docker's own. */
    certificates(folder?: string): Promise<{ ca?: string; cert?: string; key?: string }>;
  };
  /** Connections made with the user there: steps, questions, engines found. */
  attempts: {
    /** Resolves at once; what happens comes by onChange. */
    start(address: string): Promise<ConnectAttempt>;
    /** The same for an engine at a tcp:// address. */
    startTcp(address: string, security: TcpSecurity): Promise<ConnectAttempt>;
    /** For a host in the list that needs the user: once connected, it takes the connection over. */
    signIn(hostId: string): Promise<ConnectAttempt>;
    onChange(listener: (attempt: ConnectAttempt) => void): Unsubscribe;
    /** null is a no. */
    answer(id: string, questionId: string, answer: ConnectAnswer | null): Promise<void>;
    /** Looks for engines again, also at another path; connects again if it failed. */
    lookAgain(id: string, socketPath?: string): Promise<void>;
    /** Signs in again: rights that were given meanwhile count from then on. */
    again(id: string): Promise<void>;
    /** Closes its connection. */
    end(id: string): Promise<void>;
  };
  /** Our own engine on a machine: set up, upgraded, taken away. Nothing changes there before `run`. */
  installs: {
    start(target: InstallTarget, action: InstallAction): Promise<InstallJob>;
    onChange(listener: (job: InstallJob) => void): Unsubscribe;
    /** uninstall: whether images, containers and volumes stay; the plan follows. */
    keepData(id: string, keep: boolean): Promise<void>;
    /** @param confirmed the host's name, as typed: uninstalling from one that is marked as production needs it */
    run(id: string, confirmed?: string): Promise<void>;
    answer(id: string, questionId: string, answer: ConnectAnswer | null): Promise<void>;
    /** While it runs: stops and undoes. */
    end(id: string): Promise<void>;
  };
  /** Loads the starter image into a host's engine (POST /images/load); resolves with its reference. */
  starter: { load(hostId: string): Promise<string> };
  terminals: {
    list(): Promise<TerminalInfo[]>;
    onChange(listener: (terminals: TerminalInfo[]) => void): Unsubscribe;
    open(request: OpenTerminal): Promise<TerminalInfo>;
    openOnHost(request: OpenHostShell): Promise<TerminalInfo>;
    /** A port (StreamUp, StreamDown) onto a terminal for one view; resolves with the token. */
    view(id: string): Promise<string>;
    /** After it ended: a new shell in the same tab. */
    reopen(id: string): Promise<TerminalInfo>;
    close(id: string): Promise<void>;
  };
  transfers: {
    /** @throws Error when one of the hosts is not connected, or the source is gone */
    plan(source: TransferSource, to: string): Promise<TransferPlan>;
    /** Resolves at once with its id; what happens comes by onChange. */
    start(request: StartTransfer): Promise<string>;
    cancel(id: string): Promise<void>;
    forget(id: string): Promise<void>;
    list(): Promise<Transfer[]>;
    onChange(listener: (transfers: Transfer[]) => void): Unsubscribe;
  };
  /** Several transfers that were asked for as one. */
  batches: {
    /** Resolves at once with its id; what happens comes by onChange. */
    start(request: StartBatch): Promise<string>;
    /** Those that failed or were left are tried again. */
    goOn(id: string): Promise<void>;
    /** What is on its way is given up, the rest is not begun. */
    cancel(id: string): Promise<void>;
    /** With its transfers. */
    forget(id: string): Promise<void>;
    list(): Promise<Batch[]>;
    onChange(listener: (batches: Batch[]) => void): Unsubscribe;
  };
  logs: {
    /** A port (StreamUp, StreamDown) that sends lines; resolves with the token. Closing the port ends it. */
    open(request: OpenLogs): Promise<string>;
  };
  tunnels: {
    list(): Promise<Tunnel[]>;
    onChange(listener: (tunnels: Tunnel[]) => void): Unsubscribe;
    /** Opens one, or gives the one that leads there already. */
    open(request: OpenTunnel): Promise<OpenedTunnel>;
    reopen(id: string): Promise<OpenedTunnel>;
    /** Closes it with all connections through it, and forgets it. */
    stop(id: string): Promise<void>;
    /** A host's closed tunnels are not offered any more. */
    notNow(hostId: string): Promise<void>;
  };
  dialogs: {
    /** A folder or file of this machine, or null when cancelled. */
    pickPath(options: { kind: 'folder' | 'file'; title: string }): Promise<string | null>;
    saveText(options: { title: string; name: string; text: string }): Promise<string | null>;
  };
  shell: {
    /** Opens an http(s) address in the user's browser; anything else is refused. */
    openExternal(url: string): Promise<void>;
    copy(text: string): Promise<void>;
  };
  settings: {
    get(): Promise<Settings>;
    set(change: Partial<Settings>): Promise<Settings>;
    onChange(listener: (settings: Settings) => void): Unsubscribe;
  };
}
