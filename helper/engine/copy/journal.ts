/**
 * What a running copy would leave if the engine ended now: DATA/copies/<hex>/journal.json, beside what it has received. Written before
 * each step, read at the next start (recover.ts). A folder without one is received data that nobody knows of.
 */
import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { syncFolder, writeJson } from '../../store/durable.ts';

const JOURNAL = v.object({
  /** Containers that were paused in order to be read. */
  paused: v.optional(v.array(v.string())),
  /** What was (or was about to be) made here; to be taken away again. */
  made: v.optional(
    v.object({
      /** Before any of it. */
      since: v.string(),
      image: v.optional(v.string()),
      networks: v.array(v.string()),
      /** Volume to the folder in this one that becomes it: when that is still here, the volume is not of this copy. */
      volumes: v.record(v.string(), v.string()),
      container: v.optional(v.string()),
    }),
  ),
});
export type Journal = v.InferOutput<typeof JOURNAL>;

const FILE = 'journal.json';

export interface Job {
  /** On the file system of containers and volumes; nobody else's. */
  folder: string;
  /** Durable when it resolves. */
  note(journal: Journal): Promise<void>;
  /** All is done or undone. */
  close(): Promise<void>;
}

export const copiesFolder = (data: string): string => path.join(data, 'copies');

export async function openJob(data: string): Promise<Job> {
  const folder = path.join(copiesFolder(data), randomBytes(8).toString('hex'));
  // Level by level: Node's `recursive` says ENOENT where the disk is full.
  for (const level of [copiesFolder(data), folder]) {
    await fs.mkdir(level, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return {
    folder,
    note: (journal) => writeJson(path.join(folder, FILE), journal),
    async close() {
      await fs.rm(path.join(folder, FILE), { force: true });
      await syncFolder(folder);
      await fs.rm(folder, { recursive: true, force: true });
    },
  };
}

/** Undefined: nothing was begun. @throws on a damaged one */
export async function readJournal(folder: string): Promise<Journal | undefined> {
  const text = await fs.readFile(path.join(folder, FILE), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : v.parse(JOURNAL, JSON.parse(text));
}
