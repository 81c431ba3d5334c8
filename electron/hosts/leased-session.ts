import type { SshSession } from '../ssh/index.ts';
import { within } from './abort.ts';
import { HostFailure } from './errors.ts';

/** What kept it from being made may be over when something is carried the next time. */
const MAY_PASS = /^ssh-(timeout|unreachable|refused|lost|unknown-name)$/;

/**
 * A second connection to a machine, for what carries much: terminals and lists never wait behind it. It is there while somebody uses it, if
 * the machine lets us in once more without asking the user.
 */
export class LeasedSession {
  readonly #connect: (signal: AbortSignal) => Promise<SshSession>;
  #users = 0;
  #present: SshSession | undefined;
  #connecting: Promise<SshSession | undefined> | undefined;
  #ending = new AbortController();
  /** Beside which connection there may be no second, and whether that can change while it stands. */
  #refused: { beside: SshSession; final: boolean } | undefined;

  constructor(connect: (signal: AbortSignal) => Promise<SshSession>) {
    this.#connect = connect;
  }

  /** @returns gives it back; the last that is given back closes the connection */
  take(): () => void {
    this.#users += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#users -= 1;
      if (this.#users === 0) this.end();
    };
  }

  /**
   * @param beside the connection that stands
   * @returns undefined if there is to be no second one
   */
  async session(beside: SshSession, signal: AbortSignal): Promise<SshSession | undefined> {
    if (this.#present && !this.#present.closed) return this.#present;
    if (this.#users === 0 || this.#refused?.beside === beside) return undefined;
    this.#connecting ??= this.#open(beside).finally(() => {
      this.#connecting = undefined;
    });
    return within(this.#connecting, signal);
  }

  end(): void {
    this.#ending.abort(new Error('Nothing is carried any more'));
    this.#ending = new AbortController();
    this.#present?.close();
    this.#present = undefined;
    // A wrong password stays wrong, and tried again and again it gets one shut out.
    if (!this.#refused?.final) this.#refused = undefined;
  }

  async #open(beside: SshSession): Promise<SshSession | undefined> {
    const { signal } = this.#ending;
    try {
      const session = await this.#connect(signal);
      // Behind one name there may be several machines.
      const isAnother = session.hostKey !== beside.hostKey;
      if (isAnother) this.#refused = { beside, final: true };
      if (isAnother || signal.aborted) {
        session.close();
        return undefined;
      }
      this.#present = session;
      return session;
    } catch (error) {
      const mayPass = error instanceof HostFailure && MAY_PASS.test(error.error.code);
      if (!signal.aborted) this.#refused = { beside, final: !mayPass };
      return undefined;
    }
  }
}
