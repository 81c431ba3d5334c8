import type { MachineSample } from './machine.ts';

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
  | { t: 'no-machine'; why: 'elsewhere' | 'over-tcp' | 'no-commands' | 'not-understood' | 'lost' }
  /** Logs: following again after a cut; lines go on where they ended. */
  | { t: 'resumed' };
export interface LogLine {
  ms: number;
  /** The engine's own time stamp, when asked for. */
  time?: string;
  err: boolean;
  text: string;
}
