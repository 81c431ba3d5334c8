/** What the engine's parts report; cheap, whether anybody ever asks for metrics or not. */
export interface Meter {
  /** An action took so long. */
  timed(kind: ActionKind, action: string, seconds: number): void;
  healthCheck(failed: boolean): void;
}

export type ActionKind = 'container' | 'image' | 'network' | 'host info';

export interface Observation {
  kind: ActionKind;
  action: string;
  seconds: number;
}

/** Observations from before the first question that are kept for it; older ones are lost to the histograms. */
const KEPT = 2048;

/**
 * Counts until somebody asks for metrics: the library that knows how to show them is loaded only then.
 */
export class Tally implements Meter {
  healthChecks = 0;
  failedHealthChecks = 0;
  #kept: Observation[] = [];
  #observe: ((observation: Observation) => void) | undefined;

  timed(kind: ActionKind, action: string, seconds: number): void {
    const observation = { kind, action, seconds };
    if (this.#observe) this.#observe(observation);
    else if (this.#kept.push(observation) > KEPT) this.#kept.shift();
  }

  healthCheck(failed: boolean): void {
    this.healthChecks += 1;
    if (failed) this.failedHealthChecks += 1;
  }

  /** What was kept, then everything as it comes. */
  drain(observe: (observation: Observation) => void): void {
    for (const observation of this.#kept) observe(observation);
    this.#kept = [];
    this.#observe = observe;
  }
}

/**
 * Times the named methods of `object` from now on, as dockerd counts its actions: those that succeed, and where progress is
 * streamed until its end.
 */
export function time<T extends object>(object: T, meter: Meter, kind: ActionKind, actions: { readonly [Method in keyof T]?: string }): T {
  for (const [method, action] of Object.entries(actions) as [keyof T & string, string][]) {
    const call = object[method] as (...args: unknown[]) => Promise<unknown>;
    const timedCall = async (...args: unknown[]): Promise<unknown> => {
      const start = performance.now();
      const done = (): void => meter.timed(kind, action, (performance.now() - start) / 1000);
      const result = await call.apply(object, args);
      if (isStream(result)) return untilEnd(result, done);
      done();
      return result;
    };
    Object.assign(object, { [method]: timedCall });
  }
  return object;
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

async function* untilEnd(stream: AsyncIterable<unknown>, done: () => void): AsyncGenerator<unknown> {
  yield* stream;
  done();
}
