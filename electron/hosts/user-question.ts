import { randomBytes } from 'node:crypto';
import type { ConnectAnswer, ConnectQuestion } from '../ipc/contract.ts';
import { cancelled } from '../ssh/index.ts';

/** The one question that somebody in the window is being asked, until there is an answer. */
export class UserQuestion {
  #asked: { id: string; answer: (answer: ConnectAnswer | undefined) => void } | undefined;

  /**
   * @param show puts it into the window; undefined takes it away again
   * @throws HostFailure cancelled: the user said no, or the signal aborted
   */
  async ask(
    question: ConnectQuestion,
    show: (asked: (ConnectQuestion & { id: string }) | undefined) => void,
    signal: AbortSignal,
  ): Promise<ConnectAnswer> {
    if (signal.aborted) throw cancelled();
    const id = randomBytes(6).toString('hex');
    let abort = () => {};
    try {
      const answer = await new Promise<ConnectAnswer | undefined>((resolve) => {
        abort = () => resolve(undefined);
        signal.addEventListener('abort', abort, { once: true });
        this.#asked = { id, answer: resolve };
        show({ ...question, id });
      });
      if (!answer) throw cancelled();
      return answer;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#asked = undefined;
      show(undefined);
    }
  }

  /** @param answer null is a no. An answer to anything but the present question is dropped */
  answer(id: string, answer: ConnectAnswer | null): void {
    if (this.#asked?.id === id) this.#asked.answer(answer ?? undefined);
  }
}
