import type { GantryInfo, StatisticsHistory, StatisticsNow } from '../../contract/gantry.ts';

export interface HistoryOptions {
  /** Seconds since the epoch; the last 24 hours when not given. */
  since?: number;
  until?: number;
  /** At most so many entries. */
  points?: number;
}

/** What containers used in the last 24 hours. */
export interface Statistics {
  describe(): GantryInfo['Statistics'];
  start(): void;
  stop(): Promise<void>;
  /** @throws Failure unavailable when the configuration says that none are kept */
  now(): StatisticsNow;
  /** @throws Failure notFound, unavailable */
  history(container: string, options: HistoryOptions): Promise<StatisticsHistory>;
}
