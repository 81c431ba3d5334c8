import { randomBytes } from 'node:crypto';
import type { ConnectAnswer, ConnectAttempt, ConnectQuestion, TcpSecurity } from '../ipc/contract.ts';
import {
  type Address,
  ChannelRefused,
  type ConfigFiles,
  cancelled,
  connectSsh,
  failure,
  findEngines,
  parseAddress,
  type Secrets,
  type SshSession,
} from '../ssh/index.ts';
import { formatTcpAddress, parseTcpAddress, type TcpTarget } from '../tcp/index.ts';
import { hostErrorOf } from './errors.ts';
import { tryTcp } from './try-tcp.ts';
import { UserQuestion } from './user-question.ts';

export interface AttemptsOptions {
  files: () => Promise<ConfigFiles>;
  secrets: Secrets;
  onChange: (attempt: ConnectAttempt) => void;
}

interface Running {
  attempt: ConnectAttempt;
  to: { ssh: Address } | { tcp: TcpTarget };
  abort: AbortController;
  session: SshSession | undefined;
  question: UserQuestion;
  timer: NodeJS.Timeout | undefined;
  /** Somebody works on its machine: it neither goes idle nor ends before that is over. */
  held: boolean;
  ending: boolean;
}

/** A dialog that nobody looks at any more keeps no machine signed in. */
const IDLE_MS = 15 * 60_000;
const ATTEMPTS_LIMIT = 16;

/** Connections that are made with the user there: each step is shown, questions are asked, engines are found. */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #running = new Map<string, Running>();

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /**
   * Begins; what happens is told by `onChange`.
   *
   * @param typed as the user wrote it
   * @param path a socket to look at besides the usual ones
   * @throws Error with a sentence for the user if it is no address
   */
  start(typed: string, path?: string): ConnectAttempt {
    const address = parseAddress(typed);
    return this.#begin({ ssh: address }, typed.trim(), path ?? address.socketPath);
  }

  /**
   * The same for an engine that listens on TCP: nothing stays open when it is through.
   *
   * @throws Error with a sentence for the user if it is no tcp:// address
   */
  startTcp(typed: string, security: TcpSecurity): ConnectAttempt {
    const address = parseTcpAddress(typed);
    return this.#begin({ tcp: { address, security } }, formatTcpAddress(address));
  }

  #begin(to: Running['to'], typed: string, path?: string): ConnectAttempt {
    const oldest = [...this.#running.keys()][0];
    if (oldest !== undefined && this.#running.size >= ATTEMPTS_LIMIT) this.end(oldest);
    const id = `a${randomBytes(6).toString('hex')}`;
    const running: Running = {
      attempt: { id, address: typed, steps: [], state: 'running' },
      to,
      abort: new AbortController(),
      session: undefined,
      question: new UserQuestion(),
      timer: undefined,
      held: false,
      ending: false,
    };
    this.#running.set(id, running);
    void this.#run(running, path);
    return running.attempt;
  }

  /** @param answer null is a no */
  answer(id: string, questionId: string, answer: ConnectAnswer | null): void {
    this.#running.get(id)?.question.answer(questionId, answer);
  }

  /** Looks again on a machine that is signed in to: something was started or installed there, or it has another socket. */
  lookAgain(id: string, path?: string): void {
    const running = this.#running.get(id);
    if (!running || running.attempt.state === 'running') return;
    const { error, engines, ...rest } = running.attempt;
    this.#become(running, { ...rest, state: 'running', steps: running.session ? rest.steps.filter(({ kind }) => kind !== 'engine') : [] });
    void this.#run(running, path ?? ('ssh' in running.to ? running.to.ssh.socketPath : undefined));
  }

  /** Signs in again: groups that were joined meanwhile count for new connections only. */
  again(id: string): void {
    const running = this.#running.get(id);
    if (!running || running.attempt.state === 'running') return;
    running.session?.close();
    running.session = undefined;
    this.lookAgain(id);
  }

  /** Hands over the connection and forgets the attempt. @throws Error if it is not connected (any more) */
  take(id: string): { session: SshSession; attempt: ConnectAttempt } {
    const running = this.#running.get(id);
    if (!running?.session || running.session.closed) throw new Error('This connection has ended. Connect again');
    this.#running.delete(id);
    clearTimeout(running.timer);
    return { session: running.session, attempt: running.attempt };
  }

  /** Where an attempt over TCP has led to, which is forgotten. @throws Error if it did not get through */
  takeTcp(id: string): { address: string; security: TcpSecurity } {
    const running = this.#running.get(id);
    if (running?.attempt.state !== 'connected' || !('tcp' in running.to)) throw new Error('This connection has ended. Connect again');
    const { address, security } = running.to.tcp;
    this.end(id);
    return { address: formatTcpAddress(address), security };
  }

  /**
   * The connection of an attempt, for commands; made again if it was lost, without asking anybody.
   *
   * @throws HostFailure if there is none and none can be made without the user
   */
  async session(id: string, signal: AbortSignal): Promise<SshSession> {
    const running = this.#running.get(id);
    if (!running?.session || !('ssh' in running.to)) throw new Error('This connection has ended. Connect again');
    if (running.session.closed) {
      const { files, secrets } = this.#options;
      const session = await connectSsh(running.to.ssh, { files: await files(), secrets, ask: undefined, signal });
      if (!this.#running.has(id)) session.close();
      running.session = session;
    }
    return running.session;
  }

  /** Work begins on its machine: until `release`, the attempt stays, whoever stops looking at it. */
  hold(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    running.held = true;
    clearTimeout(running.timer);
  }

  release(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    running.held = false;
    if (running.ending) this.end(id);
    else this.#wait(running);
  }

  end(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    running.ending = true;
    if (running.held) return;
    this.#running.delete(id);
    clearTimeout(running.timer);
    running.abort.abort(cancelled());
    running.session?.close();
  }

  endAll(): void {
    for (const [id, running] of [...this.#running]) {
      running.held = false;
      this.end(id);
    }
  }

  async #run(running: Running, path: string | undefined): Promise<void> {
    const { signal } = running.abort;
    try {
      if ('tcp' in running.to) await this.#overTcp(running, running.to.tcp);
      else await this.#overSsh(running, running.to.ssh, path);
    } catch (error) {
      if (signal.aborted) return;
      const reason = error instanceof ChannelRefused ? noCommands(running) : hostErrorOf(error, running.attempt.address);
      const steps = running.attempt.steps.map((step) => (step.status === 'running' ? { ...step, status: 'failed' as const } : step));
      this.#become(running, { ...running.attempt, steps, state: 'failed', error: reason });
    }
  }

  async #overTcp(running: Running, target: TcpTarget): Promise<void> {
    await tryTcp(target, {
      secrets: this.#options.secrets,
      ask: (question) => this.#ask(running, question),
      onStep: (step) => this.#step(running, step),
      signal: running.abort.signal,
    });
    this.#become(running, { ...running.attempt, state: 'connected' });
  }

  async #overSsh(running: Running, address: Address, path: string | undefined): Promise<void> {
    const { signal } = running.abort;
    if (!running.session || running.session.closed) {
      running.session = await connectSsh(address, {
        files: await this.#options.files(),
        secrets: this.#options.secrets,
        ask: (question) => this.#ask(running, question),
        onStep: (step) => this.#step(running, step),
        signal,
      });
      if (signal.aborted) return running.session.close();
    }
    const { machine } = running.session;
    this.#step(running, { kind: 'engine', machine, status: 'running', found: {} });
    const found = await findEngines(running.session, path, signal);
    const [first] = found.engines;
    const usable = first?.state === 'usable';
    this.#step(running, {
      kind: 'engine',
      machine,
      status: usable ? 'done' : 'failed',
      found: usable ? { product: first.product, version: first.version, path: first.socketPath } : {},
    });
    this.#become(running, { ...running.attempt, state: 'connected', ...found });
  }

  #step(running: Running, step: ConnectAttempt['steps'][number]): void {
    const { steps } = running.attempt;
    const at = steps.findIndex(({ kind, machine }) => kind === step.kind && machine === step.machine);
    // What one signs in with stands before the outcome, which has begun before it.
    const before = step.kind === 'certificate' ? steps.findIndex(({ kind, machine }) => kind === 'signIn' && machine === step.machine) : -1;
    const place = before === -1 ? steps.length : before;
    const next =
      at === -1 ? [...steps.slice(0, place), step, ...steps.slice(place)] : steps.map((old, index) => (index === at ? step : old));
    this.#become(running, { ...running.attempt, steps: next });
  }

  #ask(running: Running, question: ConnectQuestion): Promise<ConnectAnswer> {
    const show = (asked: ConnectAttempt['question']) => {
      const { question: _, ...rest } = running.attempt;
      this.#become(running, asked ? { ...rest, question: asked } : rest);
    };
    return running.question.ask(question, show, running.abort.signal);
  }

  #become(running: Running, attempt: ConnectAttempt): void {
    if (!this.#running.has(attempt.id)) return;
    running.attempt = attempt;
    this.#wait(running);
    this.#options.onChange(attempt);
  }

  #wait(running: Running): void {
    clearTimeout(running.timer);
    if (running.held) return;
    running.timer = setTimeout(() => this.end(running.attempt.id), IDLE_MS);
    running.timer.unref();
  }
}

function noCommands({ attempt, session }: Running) {
  const machine = session?.machine ?? attempt.address;
  return failure('ssh-forwarding', `${machine} runs no commands for this user`, {
    values: { machine, path: '', user: session?.user ?? '' },
  }).error;
}
