import type { Duplex } from 'node:stream';
import type { ProcessSpec, RuntimeSpec } from '../runtime/types.ts';

/**
 * A monitor (conmon) holds one process's streams, log and exit code while the helper is away.
 * Folder of a container: `bundle` with config.json, the sockets `attach` and `ctl`, its pid files.
 */
export interface Monitor {
  /**
   * Writes the bundle's config.json, starts conmon, which has the OCI runtime create the container; the process waits for `start`.
   * Log lines go to `logPath` in CRI form (`RFC3339Nano stdout|stderr P|F text`); undefined: no log.
   * @throws Failure with the runtime's own message (`invalidParameter` where the command or the working directory is at fault:
   *   its text then carries `executable file not found in $PATH`, `permission denied`, `no such file or directory` as runc words it,
   *   since clients look for them)
   */
  create(request: CreateProcess, signal?: AbortSignal): Promise<MonitoredProcess>;
  /** Runs the user's process of a created container. */
  start(containerId: string): Promise<void>;
  /** An added process; started at once. */
  exec(request: ExecProcess): Promise<MonitoredProcess>;
  /**
   * A connection to the streams of a process. Each read is one packet: first byte 2 (stdout) or 3 (stderr), 1 to 8,192 bytes of data.
   * Writing sends to stdin; `end()` closes stdin of the process (for the whole container when StdinOnce). Destroy detaches.
   * A process's output that was sent before the connection is not replayed, so connect between create and start.
   */
  attach(folder: string): Promise<Duplex>;
  resize(folder: string, height: number, width: number): Promise<void>;
  /** Calls back once for each exit seen, also for those that happened while the helper was away (after `watchExits` began). */
  watchExits(listener: (exit: { id: string; exitCode: number; at: string }) => void): Promise<{ close(): void }>;
  /** The exit was recorded durably: its file may go. */
  forgetExit(id: string): Promise<void>;
}

export interface CreateProcess {
  id: string;
  name: string;
  bundle: string;
  spec: RuntimeSpec;
  tty: boolean;
  stdin: boolean;
  /** Keep stdin open when the first attached client leaves (OpenStdin without StdinOnce). */
  leaveStdinOpen: boolean;
  logPath: string | undefined;
  /** The log begins anew, in a new file, before it is larger. */
  logBytes?: number;
  /** Log to systemd's journal too, with this tag. */
  journalTag?: string;
  runtime?: string;
}
export interface ExecProcess {
  /** Container's id. */
  container: string;
  /** Its own id: names its folder and its exit. */
  id: string;
  folder: string;
  process: ProcessSpec;
  tty: boolean;
  stdin: boolean;
  runtime?: string;
  /** Called when the attach socket is there and the process not yet started: connect here and lose nothing. */
  onAttachable?: () => Promise<void>;
}
export interface MonitoredProcess {
  pid: number;
  monitorPid: number;
  /** Of an exec: its exit code, while the helper lives; `FOLDER/exit/CONTAINER` holds it for a later one. */
  exited?: Promise<number>;
}
