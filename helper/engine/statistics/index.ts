export { createStatistics } from './statistics.ts';
export type { Statistics } from './types.ts';
