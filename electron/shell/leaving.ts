import type { UnderWay } from '../ipc/contract.ts';

export interface LeavingOptions {
  /** What would end with the app. */
  underWay: () => UnderWay[];
  /** Puts the question into the window, or takes it away (null). @returns false when no window can show it */
  show: (things: UnderWay[] | null) => boolean;
  /** Quits: `mayLeave` is asked once more, and says yes. */
  quit: () => void;
  log: (text: string) => void;
}

/** A window that has not shown the question by then does not answer any more. */
const SEEN_MS = 10_000;

/** Asks before the app ends in the midst of work that dies with it. */
export class Leaving {
  readonly #options: LeavingOptions;
  #state: 'staying' | 'asking' | 'leaving' = 'staying';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LeavingOptions) {
    this.#options = options;
  }

  /** The last window is about to close, or the app to quit. @returns false when that has to wait for an answer */
  mayLeave(): boolean {
    if (this.#state === 'leaving') return true;
    const things = this.#options.underWay();
    if (things.length === 0 || !this.#options.show(things)) {
      this.#become('leaving');
      return true;
    }
    if (this.#state === 'asking') return false;
    this.#become('asking');
    this.#timer = setTimeout(() => {
      this.#options.log('The window does not ask whether to leave: it does not answer');
      this.atOnce();
    }, SEEN_MS);
    return false;
  }

  /** The window looks at the question. @returns null when there is none */
  seen(): UnderWay[] | null {
    clearTimeout(this.#timer);
    return this.#state === 'asking' ? this.#options.underWay() : null;
  }

  answer(isLeaving: boolean): void {
    if (this.#state !== 'asking') return;
    if (isLeaving) {
      this.atOnce();
      return;
    }
    this.#become('staying');
    this.#options.show(null);
  }

  /** Something has begun or ended. What was waited for is over: nothing is left to ask. */
  changed(): void {
    if (this.#state !== 'asking') return;
    const things = this.#options.underWay();
    if (things.length === 0) this.atOnce();
    else this.#options.show(things);
  }

  /** Without a question: the system ends, or the user has said so twice. */
  atOnce(): void {
    this.#become('leaving');
    this.#options.quit();
  }

  #become(state: 'staying' | 'asking' | 'leaving'): void {
    clearTimeout(this.#timer);
    this.#state = state;
  }
}
