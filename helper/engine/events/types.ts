import type { EventMessage } from '../../contract/docker.ts';

export type Filters = ReadonlyMap<string, readonly string[]>;

/** The engine's events: published by every noun, kept in a bounded history (the newest 1,024), streamed to subscribers. */
export interface Events {
  publish(type: EventMessage['Type'], action: string, id: string, attributes?: Record<string, string>): void;
  /** Every event from now on, synchronously, in order; for the engine's own parts. Returns how to stop. */
  observe(listener: (event: EventMessage & { nanos: bigint }) => void): () => void;
  /**
   * Past events from `since` (nanoseconds), then live ones until `until` or abort. A subscriber that does not read
   * is dropped when its queue is full (8,192 events) rather than held in memory.
   */
  subscribe(options: { since?: bigint; until?: bigint; filters: Filters; signal: AbortSignal }): AsyncIterable<EventMessage>;
}
