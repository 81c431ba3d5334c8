import { type AnyAuthMethod, BaseAgent, type ParsedKey } from 'ssh2';
import type { HostFailure } from '../hosts/errors.ts';
import type { ConnectAnswer, ConnectQuestion } from '../ipc/contract.ts';
import type { HostConfig } from './config.ts';
import { failure, shown } from './failures.ts';
import { collectIdentities, type Identity } from './identities.ts';
import { fingerprint } from './known-hosts.ts';
import type { Secrets } from './secrets.ts';

/** Asks the user. Rejects when they say no. */
export type Ask = (question: ConnectQuestion) => Promise<ConnectAnswer>;

export interface AuthOptions {
  config: HostConfig;
  /** `user@host:port`, for questions and messages. */
  machine: string;
  secrets: Secrets;
  /** Undefined: in the background, where nobody is asked. */
  ask: Ask | undefined;
  /** The user said no, or is not there: the connection is to be given up at once, before an empty answer does harm. */
  onStop: (error: Error) => void;
}

const SECRET_TRIES = 3;
const PROMPTS_LIMIT = 16;

/**
 * Decides how to sign in: keys, then questions of the machine, then the password; each as long as the machine offers it.
 * Knows afterwards what worked (`found`) and, if nothing did, why (`why()`).
 */
export class Auth {
  readonly #options: AuthOptions;
  /** For the step's text: `method`, `key`, `fingerprint`. */
  found: Record<string, string> = { method: 'none' };
  #stopped = false;
  #identities: Identity[] | undefined;
  #problems: string[] = [];
  #offered: string[] = [];
  #tried: string[] = [];
  #begun = false;
  #secretTries = 0;
  #interactiveTries = 0;
  #keptFailed = false;
  /** What was used last and is not known to be right yet. */
  #unproven: { name: string; value: string; remember: boolean; kept: boolean } | undefined;

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  /**
   * The next thing to try.
   *
   * @param methods what the machine said it would take, null before it was asked
   * @param partial what was tried last was right, but it wants more than that
   */
  async next(methods: readonly string[] | null, partial: boolean): Promise<AnyAuthMethod | false> {
    const { config } = this.#options;
    const username = config.user;
    if (this.#stopped) return false;
    if (!this.#begun || methods === null) {
      this.#begun = true;
      return { type: 'none', username };
    }
    this.#offered = [...methods];
    if (partial) await this.succeeded();
    else await this.#disproved();
    if (methods.includes('publickey')) {
      this.#identities ??= await this.#collect();
      const identity = this.#identities.shift();
      if (identity) {
        this.#tried.push(identity.label);
        return { type: 'agent', username, agent: new OneKeyAgent(identity, () => this.#worked(identity), this.#stop) };
      }
    }
    if (methods.includes('keyboard-interactive') && config.interactiveAllowed && this.#interactiveTries < SECRET_TRIES && this.#mayAsk()) {
      this.#interactiveTries += 1;
      let prompted = false;
      return {
        type: 'keyboard-interactive',
        username,
        prompt: (title, text, _language, prompts, finish) => {
          // A machine that has no question after all isn't asked again.
          this.#answer(title, text, prompts, prompted).then(finish, this.#stop);
          prompted = true;
        },
      };
    }
    if (methods.includes('password') && config.passwordAllowed && this.#secretTries < SECRET_TRIES && this.#mayAsk()) {
      try {
        const password = await this.#password();
        this.found = { method: 'password' };
        return { type: 'password', username, password };
      } catch (error) {
        this.#stop(error);
      }
    }
    return false;
  }

  /** The connection stands: what was typed is right and may be kept. */
  async succeeded(): Promise<void> {
    const { secrets } = this.#options;
    const proven = this.#unproven;
    this.#unproven = undefined;
    if (proven && !proven.kept) await secrets.put(proven.name, proven.value, proven.remember);
  }

  /** Why nothing worked, with what to do. */
  why(detail?: string): HostFailure {
    const { config, machine, ask } = this.#options;
    const values = {
      user: config.user,
      host: config.alias,
      machine,
      keys: this.#tried.join(', ') || '–',
      offered: this.#offered.join(', '),
    };
    const more = { values, final: true, detail: [...(detail ? [detail] : []), ...this.#problems].join('\n') };
    const asksSecret = this.#offered.some((method) => method === 'password' || method === 'keyboard-interactive');
    if (this.#secretTries > 0) return failure('ssh-password-wrong', `${machine} did not accept the password`, more);
    if (asksSecret && !ask) return failure('ssh-sign-in', `${machine} asks for a password`, more);
    if (this.#offered.includes('publickey')) {
      const tried = this.#tried.length > 0 ? `none of the keys offered (${this.#tried.join(', ')})` : 'and there is no key to offer';
      const fix = `ssh-copy-id ${config.port === 22 ? '' : `-p ${config.port} `}${config.user}@${config.hostName}`;
      return failure('ssh-keys-refused', `${machine} takes keys only, ${tried}`, { ...more, fix });
    }
    return failure('ssh-no-method', `${machine} offers only ways to sign in that Gantry does not know: ${values.offered}`, more);
  }

  get triedKeys(): number {
    return this.#tried.length;
  }

  readonly #stop = (error: unknown): void => {
    this.#stopped = true;
    this.#options.onStop(error instanceof Error ? error : new Error(String(error)));
  };

  #worked(identity: Identity): void {
    this.found = { method: identity.source, key: identity.label, fingerprint: fingerprint(identity.key.getPublicSSH()) };
  }

  #collect(): Promise<Identity[]> {
    const { config, machine, secrets, ask } = this.#options;
    return collectIdentities({
      agent: config.agent,
      files: config.identityFiles,
      named: config.identitiesNamed,
      only: config.identitiesOnly,
      secrets,
      askPassphrase:
        ask &&
        (async (path, again) => {
          const { values, remember } = await ask({ kind: 'passphrase', machine, path, again, canRemember: secrets.durable });
          return { value: values[0] ?? '', remember };
        }),
      needsPassphrase: (path) =>
        failure('ssh-sign-in', `The key ${path} needs its passphrase`, { final: true, values: { machine, key: path } }),
    }).then(({ identities, problems }) => {
      this.#problems = problems;
      return identities;
    });
  }

  get #secretName(): string {
    const { config } = this.#options;
    return `password ${config.user}@${config.hostName}:${config.port}`;
  }

  /** In the background only what was kept can answer, and only once. */
  #mayAsk(): boolean {
    return this.#options.ask !== undefined || !this.#keptFailed;
  }

  /** We are asked again: what we answered was wrong. */
  async #disproved(): Promise<void> {
    const wrong = this.#unproven;
    this.#unproven = undefined;
    if (!wrong) return;
    this.#keptFailed = true;
    if (wrong.kept) await this.#options.secrets.forget(wrong.name);
  }

  async #password(): Promise<string> {
    const { machine, config, secrets, ask } = this.#options;
    const name = this.#secretName;
    const kept = this.#keptFailed ? undefined : await secrets.get(name);
    if (kept !== undefined) {
      this.#secretTries += 1;
      this.#unproven = { name, value: kept, remember: false, kept: true };
      return kept;
    }
    if (!ask) {
      this.#keptFailed = true;
      throw failure('ssh-sign-in', `${machine} asks for a password`, { final: true, values: { machine } });
    }
    const question = { kind: 'password', machine, user: config.user, again: this.#secretTries > 0, canRemember: secrets.durable } as const;
    const { values, remember } = await ask(question);
    this.#secretTries += 1;
    this.#unproven = { name, value: values[0] ?? '', remember, kept: false };
    return values[0] ?? '';
  }

  /** Keyboard-interactive. One hidden question is a password by another name, as nearly everywhere; the rest is shown as it is. */
  async #answer(title: string, text: string, prompts: { prompt: string; echo?: boolean }[], followsUp: boolean): Promise<string[]> {
    const { machine, ask } = this.#options;
    if (prompts.length > PROMPTS_LIMIT)
      throw failure('ssh-no-agreement', `${machine} asks ${prompts.length} things at once`, { final: true });
    const [first] = prompts;
    if (!followsUp && prompts.length === 1 && first?.echo !== true && /pass(word|wort)|密码|passe/i.test(first?.prompt ?? '')) {
      const password = await this.#password();
      this.found = { method: 'password' };
      return [password];
    }
    if (!ask) {
      this.#keptFailed = true;
      throw failure('ssh-sign-in', `${machine} asks: ${shown(first?.prompt ?? '', 200)}`, { final: true, values: { machine } });
    }
    const { values } = await ask({
      kind: 'interactive',
      machine,
      title: shown(title, 200),
      text: shown(text, 4000),
      prompts: prompts.map(({ prompt, echo }) => ({ text: shown(prompt, 500), echo: echo === true })),
      again: this.#interactiveTries > 1 && !followsUp,
      canRemember: false,
    });
    this.found = { method: 'interactive' };
    return prompts.map((_, index) => values[index] ?? '');
  }
}

/** Offers one key: so the machine's answer to each is seen, and a passphrase is asked for only when it takes the key. */
class OneKeyAgent extends BaseAgent<ParsedKey> {
  readonly #identity: Identity;
  readonly #onSigned: () => void;
  readonly #onFailed: (error: unknown) => void;

  constructor(identity: Identity, onSigned: () => void, onFailed: (error: unknown) => void) {
    super();
    this.#identity = identity;
    this.#onSigned = onSigned;
    this.#onFailed = onFailed;
  }

  override getIdentities(done: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
    done(undefined, [this.#identity.key]);
  }

  override sign(_key: ParsedKey, data: Buffer, options: unknown, done?: (error?: Error, signature?: Buffer) => void): void {
    const reply = (typeof options === 'function' ? options : done) as (error?: Error, signature?: Buffer) => void;
    const { hash } = (typeof options === 'object' && options !== null ? options : {}) as { hash?: string };
    this.#identity.sign(data, hash).then(
      (signature) => {
        this.#onSigned();
        reply(undefined, signature);
      },
      (error: unknown) => {
        if (this.#identity.source === 'file') this.#onFailed(error);
        reply(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }
}
