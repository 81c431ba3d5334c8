/**
 * The one contract between the main process and the renderer (types only; schemas beside it in schemas.ts). Imports nothing.
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

export type HostKind = 'local' | 'socket' | 'ssh' | 'tcp';
export type HostColour = 'violet' | 'blue' | 'teal' | 'green' | 'amber' | 'orange' | 'red' | 'grey';

/** A machine in the app. `local` is our own helper on this machine; `socket` any engine on a Unix socket. */
export interface Host {
  id: string;
  name: string;
  colour: HostColour;
  kind: HostKind;
  /** kinds socket and ssh: the engine's socket, for ssh on that machine. */
  socketPath?: string;
  /** kind ssh: as the user typed it. */
  address?: string;
  /** Nothing there is changed, whoever asks. */
  readOnly?: boolean;
  /** Deleting there needs the host's name, typed. */
  production?: boolean;
  state: HostState;
}
/** What the user may say of a host; what is left out stays. */
export interface HostChange {
  name?: string | undefined;
  colour?: HostColour | undefined;
  readOnly?: boolean | undefined;
  production?: boolean | undefined;
}
export type HostState =
  | { status: 'connecting' }
  | { status: 'connected'; engine: EngineIdentity; since: number }
  /** Lost after it was connected: last data stay visible, marked stale. `retryAt` in ms since the epoch. */
  | { status: 'reconnecting'; error: HostError; engine?: EngineIdentity; retryAt: number; attempt: number }
  /** Can't work without the user: not installed, no permission, not found. */
  | { status: 'failed'; error: HostError };
export interface EngineIdentity {
  /** `Gantry`, `Docker`, `Podman` */
  product: 'Gantry' | 'Docker' | 'Podman' | 'unknown';
  version: string;
  apiVersion: string;
  os: string;
  arch: string;
}
/** What happened in words for a person, why, and what to do. `code` picks the translated text; `detail` is raw, for copying. */
export interface HostError {
  code:
    | 'socket-missing'
    | 'permission'
    | 'refused'
    | 'timeout'
    | 'closed'
    | 'protocol'
    | 'helper-missing-packages'
    | 'helper-failed'
    | 'needs-root'
    | 'ssh-address'
    | 'ssh-unknown-name'
    | 'ssh-unreachable'
    | 'ssh-refused'
    | 'ssh-timeout'
    | 'ssh-no-ssh'
    | 'ssh-no-agreement'
    | 'ssh-key-new'
    | 'ssh-key-changed'
    | 'ssh-key-revoked'
    | 'ssh-sign-in'
    | 'ssh-password-wrong'
    | 'ssh-password-expired'
    | 'ssh-keys-refused'
    | 'ssh-too-many-tries'
    | 'ssh-no-method'
    | 'ssh-jump-forbidden'
    | 'ssh-forwarding'
    | 'ssh-lost'
    | 'sudo-missing'
    | 'sudo-password'
    | 'install-step'
    | 'install-left'
    | 'runtime-missing'
    | 'cancelled'
    | 'unknown';
  message: string;
  detail?: string;
  /** What the translated texts of `code` name: host, user, file, line … */
  values?: Record<string, string>;
  /** A command for a terminal that puts it right. */
  fix?: string;
}

/** What happened on the way to a machine: jump hosts first, each with its own steps. */
export interface ConnectStep {
  kind: 'resolve' | 'connect' | 'hostKey' | 'signIn' | 'engine';
  /** The machine that this step is about, as `user@host:port`. */
  machine: string;
  status: 'running' | 'done' | 'failed';
  /** What was found, for the step's translated text: address, type and fingerprint of the key, the way of signing in … */
  found: Record<string, string>;
}
/** What only the user can answer while a connection is made. */
export type ConnectQuestion = {
  /** As `user@host:port`; a jump host may ask, too. */
  machine: string;
  /** The answer can be kept in the system's keychain. */
  canRemember: boolean;
} & (
  | {
      kind: 'hostKey';
      keyType: string;
      fingerprint: string;
      /** Where a yes is written; empty: nowhere. */
      file: string;
      /** Other names under which this very key is known. */
      alsoAs: string[];
    }
  /** `again`: the answer before was wrong. `sudo`: to become root there, while an engine is set up. */
  | { kind: 'sudo'; user: string; again: boolean }
  | { kind: 'password'; user: string; again: boolean }
  | { kind: 'passphrase'; path: string; again: boolean }
  /** What the machine asks for in its own words: a code, a token. */
  | { kind: 'interactive'; title: string; text: string; prompts: { text: string; echo: boolean }[]; again: boolean }
);
export interface ConnectAnswer {
  /** One for each thing asked for; empty for a host key, where answering is a yes. */
  values: string[];
  remember: boolean;
}

/** An engine on a machine that is signed in to. */
export interface FoundOnMachine {
  socketPath: string;
  product: EngineIdentity['product'];
  version: string;
  /** `permission`: it is there, but not for this user. `off`: installed, but nobody answers. `error` says what to do. */
  state: 'usable' | 'permission' | 'off';
  /** Of the user, not of the system. */
  rootless: boolean;
  /** The machine forwards no streams: each needs a program there, which takes longer, and few run at a time. */
  byCommand: boolean;
  error?: HostError;
}
/** What a machine is, as far as its shell says. */
export interface MachineFacts {
  os: string;
  arch: string;
  kernel: string;
  /** Such as `Debian GNU/Linux 12 (bookworm)`; empty if unknown. */
  distribution: string;
  user: string;
  isRoot: boolean;
}
/** A connection that is being made with the user there, in the dialog. */
export interface ConnectAttempt {
  id: string;
  /** As typed. */
  address: string;
  steps: ConnectStep[];
  /** `id` goes into the answer, so that it is not taken for the answer to another question. */
  question?: ConnectQuestion & { id: string };
  state: 'running' | 'connected' | 'failed';
  error?: HostError;
  machine?: MachineFacts;
  /** Usable ones first. */
  engines?: FoundOnMachine[];
}

export interface NewSshHost {
  /** The attempt that is connected: its connection becomes the host's. */
  attempt: string;
  name: string;
  colour: HostColour;
  socketPath: string;
}
/** A host that the user has named elsewhere. */
export interface HostSuggestion {
  /** `ssh`: ~/.ssh/config; `docker`: a context of the docker CLI. */
  source: 'ssh' | 'docker';
  name: string;
  /** What to type for it. */
  address: string;
  /** Where it leads. */
  detail: string;
}

/** Where an engine is set up: a machine that an attempt is connected to, or a host of the list (`local` included). */
export type InstallTarget = { attempt: string } | { host: string };
export type InstallAction = 'install' | 'upgrade' | 'uninstall';
/** Why an engine can't be set up on a machine (`blocking`), or what to know before. */
export interface InstallProblem {
  code:
    | 'not-linux'
    | 'architecture'
    | 'kernel'
    | 'musl'
    | 'glibc'
    | 'packaged'
    | 'sudo-missing'
    | 'no-manager'
    | 'disk'
    | 'memory'
    | 'no-systemd'
    | 'installed'
    | 'not-installed';
  blocking: boolean;
  values: Record<string, string>;
}
export interface InstallStep {
  id:
    | 'packages'
    | 'upload'
    | 'files'
    | 'group'
    | 'service'
    | 'start'
    | 'swap'
    | 'verify'
    | 'cleanup'
    | 'containers'
    | 'stop'
    | 'data'
    | 'remove';
  /** The commands, exactly as they are run. */
  command: string;
  asRoot: boolean;
  status: 'waiting' | 'running' | 'done' | 'failed' | 'undoing' | 'undone';
  /** Bytes of an upload. */
  progress?: { done: number; total: number };
}
/** Setting up an engine: checked, shown, then run when the user says so. */
export interface InstallJob {
  id: string;
  action: InstallAction;
  /** For the title: the machine's address or the host's name. */
  machine: string;
  state: 'checking' | 'ready' | 'running' | 'done' | 'failed';
  facts?: { distribution: string; kernel: string; arch: string; cgroup: string; installed: string };
  problems: InstallProblem[];
  steps: InstallStep[];
  /** uninstall: images, containers and volumes stay. */
  keepData: boolean;
  question?: ConnectQuestion & { id: string };
  error?: HostError;
}

/** An event of an engine's event stream as the app needs it; `message` is the Docker API EventMessage. */
export interface HostEvent {
  hostId: string;
  message: unknown;
}

export interface NewSocketHost {
  name: string;
  colour: HostColour;
  socketPath: string;
}
/** An engine found on this machine that is not in the list yet. */
export interface FoundEngine {
  socketPath: string;
  product: EngineIdentity['product'];
  version: string;
  reachable: boolean;
}

/** Terminals live in the main process and outlive views. */
export interface TerminalInfo {
  id: string;
  hostId: string;
  containerId: string;
  containerName: string;
  /** exec: an added shell; attach: the container's own first process; host: a shell on the machine, without a container. */
  mode: 'exec' | 'attach' | 'host';
  title: string;
  state: { status: 'starting' } | { status: 'open' } | { status: 'ended'; exitCode: number | null; reason?: string };
}
/** A shell on the host's machine. */
export interface OpenHostShell {
  hostId: string;
  cols: number;
  rows: number;
}
export interface OpenTerminal {
  hostId: string;
  containerId: string;
  containerName: string;
  mode: 'exec' | 'attach';
  /** exec only; omitted: bash, else ash, else sh, whichever the container has. */
  command?: string[];
  cols: number;
  rows: number;
}

export interface OpenLogs {
  hostId: string;
  containerId: string;
  /** Lines from the end to begin with; 'all' for everything. */
  tail: number | 'all';
  follow: boolean;
  timestamps: boolean;
  /** RFC 3339 or Unix seconds. */
  since?: string;
}

/** A port of this machine's loopback that leads to a container's TCP port, published or not. */
export interface Tunnel {
  id: string;
  hostId: string;
  containerId: string;
  containerName: string;
  /** Of the container. */
  port: number;
  /** Of this machine: the same number if it was free. */
  localPort: number;
  state: 'open' | 'closed';
  /** It was open when its host was lost or the app ended: the user is asked whether it is to be opened again. */
  offered: boolean;
  /** Why the last connection through it came to nothing. */
  trouble?: TunnelTrouble;
}
/** `code` picks the translated text, which names `values`; `message` says it in English. */
export interface TunnelTrouble {
  code: 'gone' | 'not-running' | 'no-network' | 'refused' | 'unreachable' | 'forwarding' | 'host-away' | 'closed' | 'unknown';
  message: string;
  values?: Record<string, string>;
}
export interface OpenTunnel {
  hostId: string;
  containerId: string;
  containerName: string;
  port: number;
}
export type OpenedTunnel = { tunnel: Tunnel } | { trouble: TunnelTrouble };

/** What a host's machine uses at one moment: bytes, and null where its system does not say. */
export interface MachineSample {
  /** ms since the epoch, by our clock. */
  at: number;
  /** 0 to 1, of all processors, since the sample before. */
  cpu: number | null;
  /** Over 1, 5 and 15 minutes. */
  load: [number, number, number] | null;
  memory: { total: number; available: number } | null;
  swap: { total: number; free: number } | null;
  /** The file systems of `/` and of the engine's data. */
  disks: { path: string; total: number; available: number }[];
  uptimeS: number | null;
}

/** renderer → main on a stream port. */
export type StreamUp =
  /** The reader can take `bytes` more. A terminal or log sends nothing beyond the credit it was given. */
  | { t: 'credit'; bytes: number }
  /** Terminal input. */
  | { t: 'data'; data: Uint8Array }
  | { t: 'resize'; cols: number; rows: number }
  | { t: 'close' };
/** main → renderer on a stream port. */
export type StreamDown =
  /** Terminal output, raw bytes (a first message replays the screen's recent output to a new view). */
  | { t: 'data'; data: Uint8Array }
  /** Log lines, batched; text without the line's end. `ms` is the line's time (0 if unknown), `err` is true for stderr. */
  | { t: 'lines'; lines: LogLine[]; bytes: number }
  | { t: 'state'; state: TerminalInfo['state'] }
  /** Logs: the container stopped and the follow ended, or the connection was lost (then it follows again by itself). */
  | { t: 'end'; reason: 'eof' | 'disconnected' | 'error'; message?: string }
  | { t: 'machine'; sample: MachineSample }
  /** There is nothing (more) to see of the machine. `elsewhere`: the engine runs on another one than its socket is on. */
  | { t: 'no-machine'; why: 'elsewhere' | 'no-commands' | 'not-understood' | 'lost' }
  /** Logs: following again after a cut; lines go on where they ended. */
  | { t: 'resumed' };
export interface LogLine {
  ms: number;
  /** The engine's own time stamp, when asked for. */
  time?: string;
  err: boolean;
  text: string;
}

export type TransferKind = 'image' | 'container' | 'volume';
/** Something on a host that goes to another one. `id`: a container's id, an image's reference or id, a volume's name. */
export interface TransferSource {
  kind: TransferKind;
  hostId: string;
  id: string;
  name: string;
}
/** What travels to a host, how big, and what is there already. Sizes in bytes, -1 where unknown. */
export interface TransferPlan {
  /** `stream`: between our engines, what is missing travels. `archive`: by save, load and archives, everything travels. */
  way: 'stream' | 'archive';
  image?: {
    id: string;
    names: string[];
    /** The target has this very image. */
    there: boolean;
    /** Of all its layers, and of those that the target has. */
    bytes: number;
    thereBytes: number;
    /** Names that another image has there: they move to this one. */
    takesNames: string[];
  };
  container?: {
    running: boolean;
    /** It is gone as soon as it stops. */
    autoRemove: boolean;
    privileged: boolean;
    /** -1: only the engine's commit finds out. */
    writableBytes: number;
    binds: string[];
    ports: string[];
  };
  volumes: TransferVolume[];
  networks: { name: string; there: boolean }[];
  /** The target has a container or volume of this name. */
  nameTaken: boolean;
  /** In the engine's words. */
  warnings: string[];
}
export interface TransferVolume {
  name: string;
  anonymous: boolean;
  bytes: number;
  /** False: its data lies elsewhere (NFS, a folder of the host), only its options travel. */
  data: boolean;
  /** Running containers that use it. */
  usedBy: string[];
  there: boolean;
}
export interface StartTransfer {
  source: TransferSource;
  to: string;
  /** Of the container or volume there; omitted: the same. */
  name?: string;
  /** What is stopped for it is kept until it runs there, and goes on here if it does not. */
  move: boolean;
  /** A container is started there. */
  start: boolean;
  /** Running containers whose files are read are paused meanwhile. */
  pause: boolean;
  /** Volumes whose data there is used. */
  useVolumes: string[];
  /** After a move the original goes; else it stays, stopped. */
  remove: boolean;
}
/** Why one failed, where the app knows it; else the engine's words stand alone. */
export interface TransferFailure {
  code:
    | 'auto-remove'
    | 'name-taken'
    | 'unhealthy'
    | 'never-healthy'
    | 'restarts'
    | 'ended'
    | 'other-bind'
    | 'other-privileged'
    | 'source-broke-off';
  /** For its text: name, exit code, folder, reason. */
  values: Record<string, string>;
}
export type TransferStep = 'look' | 'stop' | 'copy' | 'start' | 'remove' | 'putBack';
/** A copy or move; it goes on when the window's dialog is closed. */
export interface Transfer {
  id: string;
  source: TransferSource;
  fromName: string;
  to: string;
  toName: string;
  move: boolean;
  status: 'running' | 'done' | 'failed' | 'cancelled';
  step: TransferStep;
  /** Bytes that have travelled, of about so many (0: unknown). */
  current: number;
  total: number;
  /** Bytes a second. */
  rate: number;
  error?: string;
  failure?: TransferFailure;
  /** The original was stopped, and goes on. */
  putBack: boolean;
  /** The original was stopped and did not start again: why. */
  notPutBack?: string;
  /** It was to be deleted after the move, and could not be: why. */
  kept?: string;
  warnings: string[];
  /** What it is called there. */
  result?: { id: string; name: string };
  startedAt: number;
}

export interface Settings {
  theme: 'system' | 'light' | 'dark';
  language: 'system' | 'en' | 'zh';
  density: 'normal' | 'dense';
  terminalFontSize: number;
  selectedHost: string | 'all';
  railFolded: boolean;
  [ui: `ui.${string}`]: unknown;
}

export interface AppInfo {
  version: string;
  electron: string;
  platform: string;
  /** The system's language tag, such as zh-CN. */
  locale: string;
  /** The walk-through of `npm start -- --demo`. */
  demo: boolean;
  /** Where the starter image's archive lies, if it was built. */
  starterImage: { reference: string; available: boolean };
}

export type Unsubscribe = () => void;

/** What the preload script exposes as `window.gantry`. Every call may reject with an Error whose message is for the user. */
export interface GantryApi {
  app: {
    info(): Promise<AppInfo>;
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
  };
  /** Connections made with the user there: steps, questions, engines found. */
  attempts: {
    /** Resolves at once; what happens comes by onChange. */
    start(address: string): Promise<ConnectAttempt>;
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
