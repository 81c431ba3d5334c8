import { run } from '../system/process/run.ts';

/** Time for the work that made the rubbish to get its answer out; what comes in it is deleted together. */
const DELAY_MS = 500;
/** Names on one command line. */
const BATCH = 256;

/**
 * Deletes folders behind everybody's back, many with one `rm`: a tree of any size and depth costs this process nothing, where Node's own
 * recursive removal takes the thread pool eight times for each file.
 * What a crash leaves is for the next start to find: rubbish lies where nothing else does.
 */
export class Rubbish {
  readonly #complain: (error: unknown) => void;
  #folders: { folder: string; after: Promise<void> | undefined }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(complain: (error: unknown) => void) {
    this.#complain = complain;
  }

  /** @param after something that still uses it; does not reject */
  add(folder: string, after?: Promise<void>): void {
    this.#folders.push({ folder, after });
    this.#timer ??= setTimeout(() => this.#begin(), DELAY_MS).unref();
  }

  /** Resolves when all is gone that was added. */
  async empty(): Promise<void> {
    this.#begin();
    await this.#work;
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const folders = this.#folders.splice(0);
    if (folders.length === 0) return;
    this.#work = this.#work
      .then(async () => {
        await Promise.all(folders.map(({ after }) => after));
        for (let at = 0; at < folders.length; at += BATCH) {
          const names = folders.slice(at, at + BATCH).map(({ folder }) => folder);
          const { code, stderr } = await run('rm', ['-rf', '--', ...names]);
          if (code !== 0) this.#complain(new Error(stderr.trim() || `rm ended with ${code}`));
        }
      })
      .catch(this.#complain);
  }
}
