import type { EventMessage } from '../../contract/docker/index.ts';

export type Filters = ReadonlyMap<string, readonly string[]>;

/** An event with its exact time: `timeNano` is beyond what a JavaScript number holds. */
export type TimedEvent = EventMessage & { nanos: bigint };

export interface EventStream extends AsyncIterable<TimedEvent> {
  /** What has come already, at most `limit`, without waiting: a reader with a backlog takes it in large pieces. */
  queued(limit: number): TimedEvent[];
}

/** The engine's events: published by every noun, kept in a bounded history (the newest 1,024), streamed to subscribers. */
export interface Events {
  publish(type: EventMessage['Type'], action: string, id: string, attributes?: Record<string, string>): void;
  /** Every event from now on, synchronously, in order; for the engine's own parts. Returns how to stop. */
  observe(listener: (event: TimedEvent) => void): () => void;
  /**
   * Past events from `since` (nanoseconds), then live ones until `until` (0: all past ones and no live ones) or abort. A subscriber that does not read
   * is dropped when its queue is full (32,768 events) rather than held in memory.
   * Subscribed when the call returns, not when the first event is asked for.
   */
  subscribe(options: { since?: bigint; until?: bigint; filters: Filters; signal: AbortSignal }): EventStream;
}

/** Events with what only the engine as a whole asks of it. */
export interface EventBus extends Events {
  /** How many streams are open, for `GET /info`. */
  subscribers(): number;
  /** How many events there were, for /metrics. */
  published(): number;
}
