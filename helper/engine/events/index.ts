export { createEvents } from './bus.ts';
export type { Events, Filters, TimedEvent } from './types.ts';
