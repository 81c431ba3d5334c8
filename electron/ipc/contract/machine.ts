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
