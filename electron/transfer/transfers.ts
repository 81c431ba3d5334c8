import { randomBytes } from 'node:crypto';
import type { EngineClient } from '../engine-client/index.ts';
import type { StartTransfer, Transfer, TransferPlan, TransferSource } from '../ipc/contract.ts';
import { TransferFailure } from './failure.ts';
import { makePlan } from './plan.ts';
import { PutBack, transfer } from './run.ts';

export interface TransfersOptions {
  client: (hostId: string) => EngineClient;
  hostName: (hostId: string) => string;
  onChange: (transfers: Transfer[]) => void;
  log: (text: string) => void;
}

/** The window hears this often how far they have come. */
const TELL_MS = 100;
/** The rate is over so many milliseconds. */
const RATE_MS = 4000;

interface Entry {
  transfer: Transfer;
  abort: AbortController;
  ended: Promise<void>;
}

/** Copies and moves from host to host; they go on whatever the window shows. */
export class Transfers {
  readonly #options: TransfersOptions;
  readonly #entries = new Map<string, Entry>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  plan(source: TransferSource, to: string): Promise<TransferPlan> {
    return makePlan(this.#options.client(source.hostId), this.#options.client(to), source);
  }

  start(request: StartTransfer): string {
    const { source } = request;
    const id = `x${randomBytes(4).toString('hex')}`;
    const entry: Entry = {
      transfer: {
        id,
        source,
        fromName: this.#options.hostName(source.hostId),
        to: request.to,
        toName: this.#options.hostName(request.to),
        move: request.move,
        status: 'running',
        step: 'look',
        current: 0,
        total: 0,
        rate: 0,
        putBack: false,
        warnings: [],
        startedAt: Date.now(),
      },
      abort: new AbortController(),
      ended: Promise.resolve(),
    };
    this.#entries.set(id, entry);
    entry.ended = this.#run(entry, request, this.#options.client(source.hostId), this.#options.client(request.to));
    this.#tell();
    return id;
  }

  cancel(id: string): void {
    this.#entries.get(id)?.abort.abort(new Error('Cancelled'));
  }

  forget(id: string): void {
    if (this.#entries.get(id)?.transfer.status !== 'running') this.#entries.delete(id);
    this.#tell();
  }

  list(): Transfer[] {
    return [...this.#entries.values()].map(({ transfer }) => transfer).reverse();
  }

  /** The app ends: what runs is given up, and what was stopped for it goes on. */
  async stop(): Promise<void> {
    for (const { abort } of this.#entries.values()) abort.abort(new Error('Cancelled'));
    await Promise.all([...this.#entries.values()].map(({ ended }) => ended));
  }

  async #run(entry: Entry, request: StartTransfer, from: EngineClient, to: EngineClient): Promise<void> {
    const { signal } = entry.abort;
    const change = (with_: Partial<Transfer>): void => {
      entry.transfer = { ...entry.transfer, ...with_ };
      this.#soon();
    };
    const rate = new Rate();
    try {
      const { warnings, kept, ...result } = await transfer({
        from,
        to,
        request,
        signal,
        step: (step) => change({ step }),
        count: (bytes) => {
          const current = entry.transfer.current + bytes;
          change({ current, rate: rate.add(current) });
        },
        total: (total) => change({ total }),
      });
      change({ status: 'done', result, warnings, rate: 0, ...(kept !== undefined && { kept }) });
    } catch (error) {
      const after = error instanceof PutBack ? error : undefined;
      const cause = after ? after.cause : error;
      const message = cause instanceof Error ? cause.message : String(cause);
      if (!signal.aborted) this.#options.log(`${request.move ? 'moving' : 'copying'} ${request.source.name}: ${message}`);
      const why = cause instanceof TransferFailure ? { error: message, failure: cause.reason } : { error: message };
      change({
        rate: 0,
        putBack: after !== undefined && after.problem === undefined,
        ...(after?.problem !== undefined && { notPutBack: after.problem }),
        ...(signal.aborted ? { status: 'cancelled' as const } : { status: 'failed' as const, ...why }),
      });
    }
    this.#tell();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => this.#tell(), TELL_MS);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#options.onChange(this.list());
  }
}

/** Bytes a second over the last few seconds. */
class Rate {
  #samples: { at: number; bytes: number }[] = [];

  add(bytes: number): number {
    const at = performance.now();
    const last = this.#samples.at(-1);
    if (!last || at - last.at > TELL_MS) this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? 0) > RATE_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (!first || at - first.at < TELL_MS) return 0;
    return ((bytes - first.bytes) * 1000) / (at - first.at);
  }
}
