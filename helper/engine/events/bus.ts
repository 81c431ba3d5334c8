import type { EventMessage } from '../../contract/docker/index.ts';
import { timerMs } from '../duration.ts';
import { nowNanos } from '../instant.ts';
import { matches } from './filter.ts';
import type { EventBus, EventStream, Events, TimedEvent } from './types.ts';

const HISTORY = 1024;
/** Three seconds of ten thousand events each: who is slow for a moment keeps up. The events are the same for all who wait. */
const QUEUE = 32_768;

/** The engine's event bus; see Events. `historyLimit` and `queueLimit` are counts of events. */
export function createEvents(limits: { historyLimit?: number; queueLimit?: number } = {}): EventBus {
  const historyLimit = limits.historyLimit ?? HISTORY;
  const queueLimit = limits.queueLimit ?? QUEUE;
  const history: TimedEvent[] = [];
  const listeners = new Set<(event: TimedEvent) => void>();
  let streams = 0;
  let published = 0;

  const observe = (listener: (event: TimedEvent) => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };

  return {
    observe,
    subscribers: () => streams,
    published: () => published,
    publish(type, action, id, attributes = {}) {
      const event = message(type, action, id, attributes);
      published += 1;
      history.push(event);
      if (history.length > historyLimit) history.shift();
      for (const listener of listeners) listener(event);
    },
    subscribe({ since, until: given, filters, signal }) {
      // dockerd takes zero for "all there was".
      const until = given === 0n ? nowNanos() : given;
      const wanted = (event: TimedEvent) => matches(event, filters) && (until === undefined || event.nanos <= until);
      const past =
        since === undefined && until === undefined ? [] : history.filter((event) => event.nanos >= (since ?? 0n) && wanted(event));
      if (given === 0n || (until !== undefined && until < nowNanos())) return only(past);
      streams++;
      return live({ past, wanted, until, signal, observe, queueLimit, onEnd: () => streams-- });
    },
  };
}

function message(type: EventMessage['Type'], action: string, id: string, attributes: Record<string, string>): TimedEvent {
  const nanos = nowNanos();
  return {
    ...(type === 'container' || type === 'image' ? { status: action, id } : {}),
    ...(type === 'container' ? { from: attributes.image ?? '' } : {}),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: { ...attributes } },
    scope: 'local',
    time: Number(nanos / 1_000_000_000n),
    timeNano: Number(nanos),
    nanos,
  };
}

function only(events: TimedEvent[]): EventStream {
  return {
    async *[Symbol.asyncIterator]() {
      yield* events;
    },
    queued: () => [],
  };
}

interface Live {
  past: TimedEvent[];
  wanted: (event: TimedEvent) => boolean;
  until: bigint | undefined;
  signal: AbortSignal;
  observe: Events['observe'];
  queueLimit: number;
  onEnd: () => void;
}

/** A subscription: a bounded queue that the bus fills and one reader empties. */
function live({ past, wanted, until, signal, observe, queueLimit, onEnd }: Live): EventStream & AsyncIterator<TimedEvent> {
  let queue = past;
  /** How many of the queue's beginning are read: to shift a long array would move all of it, each time. */
  let read = 0;
  let ended = false;
  let waiting: ((result: IteratorResult<TimedEvent>) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  const end = (): void => {
    if (ended) return;
    ended = true;
    onEnd();
    unobserve();
    clearTimeout(timer);
    signal.removeEventListener('abort', drop);
    waiting?.({ done: true, value: undefined });
    waiting = undefined;
  };
  // Whoever went away or does not read wants nothing of what is queued.
  const drop = (): void => {
    queue = [];
    read = 0;
    end();
  };
  const unobserve = observe((event) => {
    if (!wanted(event)) return;
    if (waiting) {
      const deliver = waiting;
      waiting = undefined;
      deliver({ done: false, value: event });
    } else if (queue.push(event) - read > queueLimit) drop();
  });
  signal.addEventListener('abort', drop);
  if (signal.aborted) drop();
  const arm = (): void => {
    if (until === undefined || ended) return;
    const restMs = Number((until - nowNanos()) / 1_000_000n) + 1;
    const waitMs = timerMs(Math.max(0, restMs));
    timer = setTimeout(waitMs < restMs ? arm : end, waitMs);
    timer.unref();
  };
  arm();

  const take = (limit: number): TimedEvent[] => {
    const taken = queue.slice(read, read + limit);
    read += taken.length;
    if (read === queue.length || read > 1024) {
      queue = queue.slice(read);
      read = 0;
    }
    return taken;
  };

  return {
    queued: take,
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      const [event] = take(1);
      if (event) return Promise.resolve({ done: false, value: event });
      if (ended) return Promise.resolve({ done: true, value: undefined });
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
    return() {
      drop();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}
