import { randomBytes } from 'node:crypto';
import { requestOf } from '../ipc/contract/transfer-request.ts';
import type { Batch, BatchItem, StartBatch } from '../ipc/contract.ts';
import type { JsonFile } from '../store/json-file.ts';
import type { BatchesFile, BatchRecord, TransferRecord } from './records.ts';
import type { Transfers } from './transfers.ts';

export interface BatchesOptions {
  /** What is not done yet is kept here: an app that ends, or is killed, can be told to go on at its next start. */
  file: JsonFile<BatchesFile>;
  transfers: Pick<Transfers, 'plan' | 'start' | 'cancel' | 'forget' | 'whenEnded'>;
  hostName: (hostId: string) => string;
  onChange: (batches: Batch[]) => void;
  log: (text: string) => void;
}

interface Entry {
  batch: Batch;
  request: BatchRecord['request'];
}

const newId = () => `b${randomBytes(4).toString('hex')}`;
const isOpen = ({ status }: BatchItem): boolean => status === 'waiting' || status === 'running';

/** Several copies or moves that were asked for as one: one after the other, whatever the window shows. */
export class Batches {
  readonly #options: BatchesOptions;
  readonly #entries = new Map<string, Entry>();
  #ending = false;

  constructor(options: BatchesOptions) {
    this.#options = options;
  }

  /** Finds those in whose midst the app ended; after Transfers.load, which brings what was on its way to an end. */
  async load(): Promise<void> {
    const { value, damaged } = await this.#options.file.read({ version: 1, batches: [] });
    if (damaged) this.#options.log(`The list of copies and moves that go together was damaged; it lies at ${damaged}`);
    for (const { id, request, toName, items } of value.batches) {
      const found = items.map((item) => (item.status === 'waiting' ? { ...item, status: 'left' as const } : item));
      const batch: Batch = { id, to: request.to, toName, move: request.move, items: found, cancelled: false, found: true };
      this.#entries.set(id, { batch, request });
      for (const [at, { status, transfer }] of found.entries()) if (status === 'running') void this.#end(id, at, transfer);
    }
    if (value.batches.length > 0) this.#tell();
  }

  start({ sources, ...request }: StartBatch): string {
    const id = newId();
    const items = sources.map((source): BatchItem => ({ source, status: 'waiting' }));
    const batch: Batch = { id, to: request.to, toName: this.#options.hostName(request.to), move: request.move, items, cancelled: false };
    this.#entries.set(id, { batch, request });
    void this.#run(id);
    return id;
  }

  /** Those that failed or were left are tried again. */
  goOn(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry || entry.batch.items.some(isOpen)) return;
    const items = entry.batch.items.map(({ source, ...item }): BatchItem => {
      return item.status === 'done' ? { source, ...item } : { source, status: 'waiting' };
    });
    const { found, ...batch } = entry.batch;
    entry.batch = { ...batch, items, cancelled: false };
    void this.#run(id);
  }

  cancel(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.batch = { ...entry.batch, cancelled: true };
    for (const { status, transfer } of entry.batch.items)
      if (status === 'running' && transfer !== undefined) this.#options.transfers.cancel(transfer);
    this.#tell();
  }

  forget(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry || entry.batch.items.some(isOpen)) return;
    this.#entries.delete(id);
    for (const { transfer } of entry.batch.items) if (transfer !== undefined) this.#options.transfers.forget(transfer);
    this.#tell();
  }

  list(): Batch[] {
    return [...this.#entries.values()].map(({ batch }) => batch).reverse();
  }

  /** The app ends: nothing more is begun, and what is not done is kept as it is for the next start. Before Transfers.stop. */
  async stop(): Promise<void> {
    await this.#save();
    this.#ending = true;
  }

  /** After `stop`: single transfers that the app's end broke off, each as a batch of its own that the next start can go on with. */
  async keep(brokenOff: TransferRecord[]): Promise<void> {
    const known = new Set([...this.#entries.values()].flatMap(({ batch }) => batch.items.map(({ transfer }) => transfer)));
    for (const { id: transfer, toName, request } of brokenOff) {
      if (known.has(transfer)) continue;
      const { source, name, useVolumes, ...how } = request;
      const id = newId();
      const batch: Batch = { id, to: how.to, toName, move: how.move, items: [{ source, status: 'left' }], cancelled: false };
      this.#entries.set(id, { batch, request: { ...how, ...(name !== undefined && { name }) } });
    }
    await this.#write();
  }

  #change(id: string, at: number, item: Partial<BatchItem>): void {
    const entry = this.#entries.get(id);
    if (!entry || this.#ending) return;
    entry.batch = { ...entry.batch, items: entry.batch.items.map((each, i) => (i === at ? { ...each, ...item } : each)) };
    this.#tell();
  }

  async #run(id: string): Promise<void> {
    this.#tell();
    for (const at of this.#entries.get(id)?.batch.items.keys() ?? []) {
      const entry = this.#entries.get(id);
      const item = entry?.batch.items[at];
      if (this.#ending || !entry || item?.status !== 'waiting') continue;
      if (entry.batch.cancelled) this.#change(id, at, { status: 'left' });
      else await this.#carry(id, at, item, entry.request);
    }
  }

  async #carry(id: string, at: number, { source }: BatchItem, request: Entry['request']): Promise<void> {
    const { transfers } = this.#options;
    const isCancelled = () => this.#ending || this.#entries.get(id)?.batch.cancelled === true;
    this.#change(id, at, { status: 'running' });
    try {
      // Of now: those before it have brought images, volumes and networks that it shares with them.
      const plan = await transfers.plan(source, request.to);
      if (isCancelled()) return this.#change(id, at, { status: 'left' });
      const transfer = transfers.start(requestOf(source, request.to, plan, request));
      this.#change(id, at, { transfer });
      await this.#end(id, at, transfer);
    } catch (error) {
      this.#change(id, at, { status: 'failed', why: error instanceof Error ? error.message : String(error) });
    }
  }

  async #end(id: string, at: number, transfer: string | undefined): Promise<void> {
    const ended = transfer === undefined ? undefined : await this.#options.transfers.whenEnded(transfer);
    if (ended?.status === 'done') return this.#change(id, at, { status: 'done' });
    const isBrokenOff = !ended || ended.status === 'cancelled' || ended.failure?.code === 'interrupted';
    this.#change(id, at, { status: isBrokenOff ? 'left' : 'failed' });
  }

  #tell(): void {
    void this.#save();
    this.#options.onChange(this.list());
  }

  async #save(): Promise<void> {
    if (!this.#ending) await this.#write();
  }

  async #write(): Promise<void> {
    const isToGo = (item: BatchItem) => isOpen(item) || item.status === 'left';
    const open = [...this.#entries.values()].filter(({ batch }) => batch.items.some(isToGo) && !batch.cancelled);
    const batches = open.map(({ batch: { id, toName, items }, request }): BatchRecord => {
      return { id, request, toName, items: items.map(({ why, ...item }) => item) };
    });
    await this.#options.file.write({ version: 1, batches }).catch((error: unknown) => this.#options.log(`batches.json: ${error}`));
  }
}
