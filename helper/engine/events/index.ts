export { createEvents } from './bus.ts';
export type { EventBus, Events, Filters, TimedEvent } from './types.ts';
