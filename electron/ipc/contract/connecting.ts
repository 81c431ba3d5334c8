import type { EngineIdentity, HostColour, HostError, TcpSecurity } from './hosts.ts';

/** What happened on the way to a machine: jump hosts first, each with its own steps. */
export interface ConnectStep {
  kind: 'resolve' | 'connect' | 'hostKey' | 'certificate' | 'signIn' | 'engine' | 'files' | 'tls';
  /** The machine that this step is about, as `user@host:port`, or `host:port` where nobody signs in. */
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
      /** It came with a certificate of a trusted authority, that does not count. */
      certificate?: {
        id: string;
        problem: 'expired' | 'not-yet' | 'name' | 'kind' | 'options' | 'signature';
        principals: string;
        /** `2026-11-25 21:05` */
        until: string;
      };
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
export interface NewTcpHost {
  /** The attempt that is connected. */
  attempt: string;
  name: string;
  colour: HostColour;
}
export type NewCertificates = { attempt: string } | { security: TcpSecurity };
/** A host that the user has named elsewhere. */
export interface HostSuggestion {
  /** `ssh`: ~/.ssh/config; `docker`: a context of the docker CLI, or DOCKER_HOST. */
  source: 'ssh' | 'docker';
  name: string;
  /** What to type for it. */
  address: string;
  /** Where it leads. */
  detail: string;
  /** For tcp:// addresses, if it is said there. */
  security?: TcpSecurity;
}
