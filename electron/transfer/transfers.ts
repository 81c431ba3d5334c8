import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineClient } from '../engine-client/index.ts';
import type { EngineLease } from '../hosts/index.ts';
import type { StartTransfer, Transfer, TransferPlan, TransferSource } from '../ipc/contract.ts';
import type { JsonFile } from '../store/json-file.ts';
import { nothingMade } from './carry.ts';
import { TransferFailure } from './failure.ts';
import { makePlan } from './plan.ts';
import type { TransferRecord, TransfersFile } from './records.ts';
import { hadArrived, recover } from './recover.ts';
import { type Outcome, PutBack, transfer, type Work } from './run.ts';

export interface TransfersOptions {
  /** What runs is kept here, so that it is found when the app was killed in its midst. */
  file: JsonFile<TransfersFile>;
  client: (hostId: string) => EngineClient;
  /** For what is carried, so that nothing else on the host waits behind it. Throws when it is not connected. */
  lease: (hostId: string) => EngineLease;
  /** Rejects when there is no such host any more. */
  whenConnected: (hostId: string, signal: AbortSignal) => Promise<EngineClient>;
  hostName: (hostId: string) => string;
  onChange: (transfers: Transfer[]) => void;
  log: (text: string) => void;
}

/** The window hears this often how far they have come. */
const TELL_MS = 100;
/** The rate is over so many milliseconds. */
const RATE_MS = 4000;

/** So long the target may take to be there, before an original that was stopped goes on without a look at it. */
const TARGET_MS = 20_000;

interface Entry {
  transfer: Transfer;
  record: TransferRecord;
  /** A record that outlives the app: what was stopped does not run yet. */
  unsettled: boolean;
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

  /** Finds what the app was in the midst of when it was killed, and brings it to an end as soon as its hosts are there. */
  async load(): Promise<void> {
    const { value, damaged } = await this.#options.file.read({ version: 1, transfers: [] });
    if (damaged) this.#options.log(`The list of copies and moves was damaged; it lies at ${damaged}`);
    for (const record of value.transfers) {
      this.#options.log(`The app ended in the midst of ${describe(record)}, at the step ${record.step}`);
      const entry = this.#add(record, { step: 'wait', found: true });
      entry.ended = this.#run(entry, () => this.#resume(entry));
    }
    if (value.transfers.length > 0) this.#tell();
  }

  /** @throws Error when the same thing is being carried already, or a host is not connected */
  start(request: StartTransfer): string {
    const { source } = request;
    const { client, lease } = this.#options;
    const same = ({ transfer: { status, source: other } }: Entry) =>
      status === 'running' && other.hostId === source.hostId && other.kind === source.kind && other.id === source.id;
    if ([...this.#entries.values()].some(same)) throw new Error(`${source.name} is being copied or moved already`);
    // Both are connected, before either is held.
    for (const hostId of [source.hostId, request.to]) client(hostId);
    const [from, to] = [lease(source.hostId), lease(request.to)];
    const entry = this.#add({
      id: `x${randomBytes(4).toString('hex')}`,
      request,
      fromName: this.#options.hostName(source.hostId),
      toName: this.#options.hostName(request.to),
      startedAt: Date.now(),
      step: 'look',
      known: { stopped: false, made: nothingMade() },
    });
    entry.ended = this.#run(entry, () => transfer({ ...this.#work(entry), from: from.client, to: to.client })).finally(() => {
      from.release();
      to.release();
    });
    this.#tell();
    return entry.record.id;
  }

  /** Resolves when it has ended, however; with undefined when there is no such one. */
  async whenEnded(id: string): Promise<Transfer | undefined> {
    const entry = this.#entries.get(id);
    await entry?.ended;
    return entry?.transfer;
  }

  cancel(id: string): void {
    this.#entries.get(id)?.abort.abort(new Error('Cancelled'));
  }

  forget(id: string): void {
    if (this.#entries.get(id)?.transfer.status !== 'running') this.#entries.delete(id);
    void this.#save();
    this.#tell();
  }

  list(): Transfer[] {
    return [...this.#entries.values()].map(({ transfer }) => transfer).reverse();
  }

  /**
   * The app ends: what runs is given up, and what was stopped for it goes on. What waits for a host waits for the next start.
   *
   * @returns what was given up, and can be begun anew
   */
  async stop(): Promise<TransferRecord[]> {
    const running = [...this.#entries.values()].filter(({ transfer: { status, step } }) => status === 'running' && step !== 'wait');
    for (const { abort } of this.#entries.values()) abort.abort(new Error('Cancelled'));
    await Promise.all([...this.#entries.values()].map(({ ended }) => ended));
    return running.filter(({ transfer, unsettled }) => transfer.status === 'cancelled' && !unsettled).map(({ record }) => record);
  }

  #add(record: TransferRecord, more: Partial<Transfer> = {}): Entry {
    const { id, request, fromName, toName, startedAt } = record;
    const entry: Entry = {
      transfer: {
        id,
        source: request.source,
        fromName,
        to: request.to,
        toName,
        move: request.move,
        status: 'running',
        step: 'look',
        current: 0,
        total: 0,
        rate: 0,
        putBack: false,
        warnings: [],
        startedAt,
        ...more,
      },
      record,
      unsettled: more.found === true,
      abort: new AbortController(),
      ended: Promise.resolve(),
    };
    this.#entries.set(id, entry);
    return entry;
  }

  #change(entry: Entry, change: Partial<Transfer>): void {
    entry.transfer = { ...entry.transfer, ...change };
    this.#soon();
  }

  #work(entry: Entry): Omit<Work, 'from' | 'to'> {
    const rate = new Rate();
    return {
      id: entry.record.id,
      request: entry.record.request,
      signal: entry.abort.signal,
      step: async (step, known) => {
        entry.record = { ...entry.record, step, known: { ...entry.record.known, ...known } };
        this.#change(entry, { step });
        await this.#save();
      },
      keep: async (made) => {
        entry.record = { ...entry.record, known: { ...entry.record.known, made: structuredClone(made) } };
        await this.#save();
      },
      count: (bytes) => {
        const current = entry.transfer.current + bytes;
        this.#change(entry, { current, rate: rate.add(current) });
      },
      total: (total) => this.#change(entry, { total }),
    };
  }

  async #resume(entry: Entry): Promise<Outcome> {
    const { record, abort } = entry;
    const { whenConnected } = this.#options;
    const source = whenConnected(record.request.source.hostId, abort.signal);
    const target = whenConnected(record.request.to, abort.signal);
    for (const each of [source, target]) each.catch(() => undefined);
    // Without a target that has it all nothing can be decided: its removal is not told only when the source is there.
    const from = await (hadArrived(record) ? Promise.race([source, target.then(() => source)]) : source);
    const to = hadArrived(record)
      ? await target
      : await Promise.race([target.catch(() => undefined), delay(TARGET_MS, undefined, { signal: abort.signal })]);
    abort.signal.throwIfAborted();
    // From here on it is as if it had been started just now: it ends well, or is given up and put back.
    entry.unsettled = false;
    return recover({ ...this.#work(entry), from, to }, record);
  }

  async #run(entry: Entry, work: () => Promise<Outcome>): Promise<void> {
    const { signal } = entry.abort;
    try {
      const { warnings, kept, ...result } = await work();
      this.#change(entry, { status: 'done', result, warnings, rate: 0, ...(kept !== undefined && { kept }) });
    } catch (error) {
      const { found, move } = entry.transfer;
      const after = error instanceof PutBack ? error : undefined;
      const cause = after ? after.cause : error;
      const message = cause instanceof Error ? cause.message : String(cause);
      if (!signal.aborted) this.#options.log(`${describe(entry.record)}: ${message}`);
      const isBack = after !== undefined && after.problem === undefined;
      const removed = this.#removedHost(entry.record, isBack);
      // A move that was found and could not be looked into: nobody knows which of the two runs.
      const lost = found && move && entry.record.known.stopped && !after && removed === undefined && !(cause instanceof TransferFailure);
      entry.unsettled = removed === undefined && (entry.unsettled || after?.problem !== undefined || lost === true);
      const known = lost ? new TransferFailure('unsettled', {}, message) : (removed ?? cause);
      const reason = known instanceof TransferFailure && known.reason;
      const why = reason ? { error: message, failure: reason } : { error: message };
      this.#change(entry, {
        rate: 0,
        putBack: isBack,
        ...(after?.problem !== undefined && { notPutBack: after.problem }),
        ...(signal.aborted && !lost ? { status: 'cancelled' as const } : { status: 'failed' as const, ...why }),
      });
    }
    await this.#save();
    this.#tell();
  }

  /** One of its hosts is not in the list any more: nobody can look at it, now or later. */
  #removedHost({ request: { source, to, move }, fromName, toName, known }: TransferRecord, isBack: boolean): TransferFailure | undefined {
    const isGone = (hostId: string) => this.#options.hostName(hostId) === '';
    if (!isGone(source.hostId) && !isGone(to)) return undefined;
    const host = isGone(source.hostId) ? fromName : toName;
    const code = move && known.stopped && !isBack ? 'host-removed-stopped' : 'host-removed';
    return new TransferFailure(code, { host, name: source.name }, `${host} was removed from the list of hosts`);
  }

  /** Resolves when it is on disk. What has ended is kept no longer, unless its original was stopped and does not run. */
  #save(): Promise<void> {
    const kept = [...this.#entries.values()].filter(({ transfer, unsettled }) => transfer.status === 'running' || unsettled);
    return this.#options.file.write({ version: 1, transfers: kept.map(({ record }) => record) });
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

const describe = ({ request, fromName, toName }: TransferRecord): string =>
  `${request.move ? 'moving' : 'copying'} ${request.source.name} from ${fromName} to ${toName}`;

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
