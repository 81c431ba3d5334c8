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
    | 'source-broke-off'
    | 'interrupted'
    | 'unsettled'
    | 'runs-here'
    | 'host-removed'
    | 'host-removed-stopped';
  /** For its text: name, exit code, folder, reason. */
  values: Record<string, string>;
}
/** `wait`: the app ended in its midst, and its hosts are not connected yet. */
export type TransferStep = 'wait' | 'look' | 'stop' | 'copy' | 'start' | 'remove' | 'putBack';
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
  /** Found when the app started: it had ended in the midst of it. */
  found?: boolean;
}
/** Several things of one kind, to go to one host under their names. */
export interface StartBatch extends Omit<StartTransfer, 'source' | 'name' | 'useVolumes'> {
  sources: TransferSource[];
}
export interface BatchItem {
  source: TransferSource;
  /** `left`: not begun, or broken off, because the rest was cancelled or the app ended. */
  status: 'waiting' | 'running' | 'done' | 'failed' | 'left';
  /** Of the transfer that carries it. */
  transfer?: string;
  /** Why it could not begin. */
  why?: string;
}
/** They go one after the other: what one brings the next ones find there. */
export interface Batch {
  id: string;
  to: string;
  toName: string;
  move: boolean;
  items: BatchItem[];
  cancelled: boolean;
  /** Found when the app started: it had ended in the midst of it. */
  found?: boolean;
}
