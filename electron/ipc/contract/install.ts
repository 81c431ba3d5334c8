import type { ConnectQuestion } from './connecting.ts';
import type { HostError } from './hosts.ts';

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
