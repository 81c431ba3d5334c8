import type { Duplex } from 'node:stream';
import type { Dialer } from '../engine-client/index.ts';
import { openEngine, type SshSession, type Way } from '../ssh/index.ts';
import { within } from './abort.ts';
import { LeasedSession } from './leased-session.ts';

export interface SshLinkOptions {
  /** The engine's socket on the machine. */
  socketPath: string;
  /** Signs in without asking anybody. */
  connect: (signal: AbortSignal) => Promise<SshSession>;
}

/** After how long without an answer a connection that stood through a pause counts as dead. */
const CHECK_MS = 3000;
/** sshd lets ten programs run on one connection (MaxSessions); a shell of the user's may be one of them. */
const PROGRAMS_PER_SESSION = 8;
const SESSIONS_LIMIT = 4;

/**
 * One machine's SSH connection, shared by all streams to its engine; made when it is needed, made again when it was lost.
 * Where streams need a program each, a few connections more; one more for what carries much.
 */
export class SshLink {
  readonly #options: SshLinkOptions;
  readonly #sessions: SshSession[] = [];
  readonly #leased: LeasedSession;
  #lost: Error | undefined;
  #connecting: Promise<SshSession> | undefined;
  #way: Way | undefined;
  #tried: Way | undefined;
  readonly #stopped = new AbortController();

  constructor(options: SshLinkOptions) {
    this.#options = options;
    this.#leased = new LeasedSession(options.connect);
  }

  /** Before each attempt to reach the engine: signed in, and alive. */
  readonly prepare = async (signal: AbortSignal): Promise<void> => {
    const [session] = this.#sessions;
    if (session && !(await session.answers(CHECK_MS))) this.#drop(session);
    await this.#session(signal);
  };

  readonly dial: Dialer = async (signal) => {
    const session = this.#way?.command ? await this.#roomy(signal) : await this.#session(signal);
    const { stream, way } = await openEngine(session, this.#options.socketPath, this.#way, signal);
    this.#tried = way;
    return stream;
  };

  /** The way for what carries much: a connection that ends when nobody holds it any more, else the one that all share. */
  lease(): { dial: Dialer; release: () => void } {
    const release = this.#leased.take();
    const dial: Dialer = async (signal) => {
      const [shared] = this.#sessions;
      const session = shared && (await this.#leased.session(shared, signal));
      if (!session) return this.dial(signal);
      try {
        return (await openEngine(session, this.#options.socketPath, this.#way, signal)).stream;
      } catch (error) {
        if (signal.aborted) throw error;
        return this.dial(signal);
      }
    };
    return { dial, release };
  }

  /** A TCP connection from the machine, over the connection that stands: it is not made for this. @throws ChannelRefused */
  async openTcp(address: string, port: number, signal: AbortSignal): Promise<Duplex> {
    return this.#present().openTcp(address, port, signal);
  }

  /** The engine has answered: the way to it is the right one. */
  proven(): void {
    this.#way ??= this.#tried;
  }

  /** Why the connection ended, until there is a new one. */
  readonly whyLost = (): Error | undefined => this.#lost;

  /** A connection that stands already, such as the one of the dialog. */
  adopt(session: SshSession): void {
    for (const old of [...this.#sessions]) this.#drop(old);
    this.#keep(session);
  }

  /** The connection itself, for commands. */
  session(signal: AbortSignal): Promise<SshSession> {
    return this.#session(signal);
  }

  /** One with room for another program, such as a shell. */
  roomySession(signal: AbortSignal): Promise<SshSession> {
    return this.#roomy(signal);
  }

  /** Lets the present connections go: the next ones are signed in anew, and groups that were joined count. */
  renew(): void {
    for (const session of [...this.#sessions]) this.#drop(session);
  }

  close(): void {
    this.#stopped.abort(new Error('The host was removed'));
    this.#leased.end();
    for (const session of [...this.#sessions]) this.#drop(session);
  }

  #present(): SshSession {
    const [session] = this.#sessions;
    if (!session) throw this.#lost ?? new Error('This host is not connected');
    return session;
  }

  async #session(signal: AbortSignal): Promise<SshSession> {
    const [session] = this.#sessions;
    return session ?? this.#connect(signal);
  }

  /** One with room for another program. */
  async #roomy(signal: AbortSignal): Promise<SshSession> {
    const [first] = this.#sessions;
    const roomy = this.#sessions.find(({ processes }) => processes < PROGRAMS_PER_SESSION);
    if (roomy) return roomy;
    if (first && this.#sessions.length >= SESSIONS_LIMIT) return first;
    return this.#connect(signal);
  }

  /** However many ask, one attempt is made. */
  async #connect(signal: AbortSignal): Promise<SshSession> {
    this.#stopped.signal.throwIfAborted();
    this.#connecting ??= this.#options
      .connect(this.#stopped.signal)
      .then((session) => this.#keep(session))
      .finally(() => {
        this.#connecting = undefined;
      });
    return within(this.#connecting, signal);
  }

  #keep(session: SshSession): SshSession {
    if (this.#stopped.signal.aborted) {
      session.close();
      throw this.#stopped.signal.reason;
    }
    this.#sessions.push(session);
    this.#lost = undefined;
    session.onClose((error) => {
      if (this.#forget(session) && this.#sessions.length === 0) this.#lost = error;
    });
    return session;
  }

  #forget(session: SshSession): boolean {
    const at = this.#sessions.indexOf(session);
    if (at !== -1) this.#sessions.splice(at, 1);
    return at !== -1;
  }

  #drop(session: SshSession): void {
    this.#forget(session);
    session.close();
  }
}
