export type { Meter } from './meter.ts';
export type { Metrics } from './metrics.ts';
