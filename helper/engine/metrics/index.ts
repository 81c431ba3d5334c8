export { Tally, time } from './meter.ts';
export { createMetrics, type Metrics } from './metrics.ts';
