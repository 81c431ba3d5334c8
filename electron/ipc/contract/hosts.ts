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
  /** kind ssh: as the user typed it; kind tcp: `tcp://host:port`. */
  address?: string;
  /** kind tcp. */
  security?: TcpSecurity;
  /** Nothing there is changed, whoever asks. */
  readOnly?: boolean;
  /** Deleting there needs the host's name, typed. */
  production?: boolean;
  state: HostState;
}
/** How a TCP connection is kept from others. Files are named by their paths and read at each connection; no secret is in here. */
export type TcpSecurity =
  /** `ca`: who has signed the engine's certificate, else one of the well-known authorities; `cert` and `key`: ours, both or none. */
  | { kind: 'tls'; ca?: string | undefined; cert?: string | undefined; key?: string | undefined }
  /** Not at all: only ever to this very machine. */
  | { kind: 'none' };
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
    | 'ssh-command-timeout'
    | 'ssh-no-ssh'
    | 'ssh-no-agreement'
    | 'ssh-key-new'
    | 'ssh-key-changed'
    | 'ssh-key-revoked'
    | 'ssh-key-strict'
    | 'ssh-host-certificate'
    | 'ssh-host-certificate-expired'
    | 'ssh-sign-in'
    | 'ssh-password-wrong'
    | 'ssh-password-expired'
    | 'ssh-keys-refused'
    | 'ssh-certificate-expired'
    | 'ssh-certificate-not-yet'
    | 'ssh-certificate-refused'
    | 'ssh-too-many-tries'
    | 'ssh-no-method'
    | 'ssh-jump-forbidden'
    | 'ssh-forwarding'
    | 'ssh-lost'
    | 'tcp-refused'
    | 'tcp-clear'
    | 'tcp-no-engine'
    | 'tls-none'
    | 'tls-wanted'
    | 'tls-hung-up'
    | 'tls-no-agreement'
    | 'tls-unknown-ca'
    | 'tls-no-ca'
    | 'tls-expired'
    | 'tls-not-yet'
    | 'tls-name'
    | 'tls-client-needed'
    | 'tls-client-refused'
    | 'tls-client-expired'
    | 'tls-file-missing'
    | 'tls-file-denied'
    | 'tls-no-certificate'
    | 'tls-no-key'
    | 'tls-key-open'
    | 'tls-key-other'
    | 'tls-locked'
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
