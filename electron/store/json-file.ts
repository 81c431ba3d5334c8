import { type FileHandle, mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';

/**
 * A value kept in one JSON file: written to a temporary file, synced and renamed, so that a crash leaves the old or the new.
 * A damaged file is moved aside (`NAME.damaged-TIME`) and the fallback is used; it never keeps the app from starting.
 */
export class JsonFile<T> {
  readonly #path: string;
  readonly #schema: v.GenericSchema<unknown, T>;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, schema: v.GenericSchema<unknown, T>) {
    this.#path = path;
    this.#schema = schema;
  }

  /** @returns the value, or `fallback` if there is no file or a damaged one; `damaged` is where that lies now */
  async read(fallback: T): Promise<{ value: T; damaged?: string }> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { value: fallback };
      throw error;
    }
    try {
      return { value: v.parse(this.#schema, JSON.parse(text)) };
    } catch {
      const damaged = `${this.#path}.damaged-${new Date().toISOString().replaceAll(':', '')}`;
      await rename(this.#path, damaged);
      return { value: fallback, damaged };
    }
  }

  /** Writes run one after the other; resolves when this one is on disk. */
  write(value: T): Promise<void> {
    const text = `${JSON.stringify(value, null, 2)}\n`;
    const next = this.#writing.then(() => this.#replace(text));
    this.#writing = next.catch(() => {});
    return next;
  }

  /** Resolves when all writes begun so far have ended. */
  settled(): Promise<void> {
    return this.#writing;
  }

  async #replace(text: string): Promise<void> {
    const folder = dirname(this.#path);
    await mkdir(folder, { recursive: true });
    const temporary = `${this.#path}.${process.pid}.tmp`;
    let file: FileHandle | undefined;
    try {
      file = await open(temporary, 'w', 0o600);
      await file.writeFile(text);
      await file.sync();
      await file.close();
      file = undefined;
      await rename(temporary, this.#path);
    } catch (error) {
      await file?.close();
      await unlink(temporary).catch(() => {});
      throw error;
    }
    const handle = await open(folder, 'r');
    await handle.sync().catch(() => {}); // Not every file system syncs folders.
    await handle.close();
  }
}
