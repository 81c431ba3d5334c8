/**
 * Set-up that undoes itself: every step that leaves something in the kernel or on disk registers its undoing
 * before the next begins. Success disarms it; failure unwinds in reverse order.
 *
 * (AsyncDisposableStack is not in Node 18, which Electron's own Node may be; this is the part of it that we need.)
 */
export class Undo {
  #steps: { what: string; run: () => unknown }[] = [];

  /** Registers how to undo what was just done; `what` is for the log should the undoing fail. */
  add(what: string, run: () => unknown): void {
    this.#steps.push({ what, run });
  }

  /** Success: what was set up belongs to its new owner now. */
  disarm(): void {
    this.#steps = [];
  }

  /** Runs all steps in reverse; one that fails does not keep the others from running. Returns what failed. */
  async unwind(): Promise<{ what: string; error: unknown }[]> {
    const failed: { what: string; error: unknown }[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step.run();
      } catch (error) {
        failed.push({ what: step.what, error });
      }
    }
    return failed;
  }
}

/** Runs `work` with an undo stack: unwound if it throws, disarmed if it returns. */
export async function withUndo<T>(work: (undo: Undo) => Promise<T>): Promise<T> {
  const undo = new Undo();
  try {
    const result = await work(undo);
    undo.disarm();
    return result;
  } catch (error) {
    await undo.unwind();
    throw error;
  }
}
