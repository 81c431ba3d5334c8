import { type AnyAuthMethod, BaseAgent, type ParsedKey } from 'ssh2';
import type { HostFailure } from '../hosts/errors.ts';
import type { ConnectAnswer, ConnectQuestion, ConnectStep } from '../ipc/contract.ts';
import { type Certificate, minuteOf, timeOf } from './certificate.ts';
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
  /** Something that may take as long as the user takes, such as an agent that asks them. @returns to be called when it is over */
  waiting: () => () => void;
  /** A certificate is offered, was taken, or was not. */
  onCertificate: (status: ConnectStep['status'], found: Record<string, string>) => void;
  /** The user said no, or is not there: the connection is to be given up at once, before an empty answer does harm. */
  onStop: (error: Error) => void;
}

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
  /** Those that the machine did not take, and the one that was offered last. */
  readonly #refused: Identity[] = [];
  #offering: Identity | undefined;
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
    this.#judgeOffered(partial);
    for (const method of config.methods) {
      const next = methods.includes(method) ? await this.#by[method]() : undefined;
      if (next) return next;
    }
    return false;
  }

  /** The next try by each way; undefined when there is none left. */
  readonly #by: Record<HostConfig['methods'][number], () => Promise<AnyAuthMethod | undefined>> = {
    publickey: async () => {
      const username = this.#options.config.user;
      this.#identities ??= await this.#collect();
      const identity = this.#identities.shift();
      if (!identity) return undefined;
      this.#offer(identity);
      return { type: 'agent', username, agent: new OneKeyAgent(this.#unhurried(identity), () => this.#worked(identity), this.#stop) };
    },
    'keyboard-interactive': async () => {
      const username = this.#options.config.user;
      if (this.#interactiveTries >= this.#options.config.passwordPrompts || !this.#mayAsk()) return undefined;
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
    },
    password: async () => {
      const username = this.#options.config.user;
      if (this.#secretTries >= this.#options.config.passwordPrompts || !this.#mayAsk()) return undefined;
      try {
        const password = await this.#password();
        this.found = { method: 'password' };
        return { type: 'password', username, password };
      } catch (error) {
        this.#stop(error);
        return undefined;
      }
    },
  };

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
    const outdated = this.#outdated();
    if (outdated && this.#secretTries === 0) return outOfTime(outdated, more);
    const asksSecret = this.#offered.some((method) => method === 'password' || method === 'keyboard-interactive');
    if (this.#secretTries > 0) return failure('ssh-password-wrong', `${machine} did not accept the password`, more);
    if (asksSecret && !ask) return failure('ssh-sign-in', `${machine} asks for a password`, more);
    const refused = this.#refused.find(isCertified);
    if (refused && this.#offered.includes('publickey')) {
      const facts = factsOf(refused.certificate, refused.label);
      const message = `${machine} does not take the certificate “${facts.certificate}” (for ${facts.principals}) of ${facts.key}`;
      const authority = fingerprint(refused.certificate.authority);
      return failure('ssh-certificate-refused', message, { ...more, values: { ...values, ...facts, authority } });
    }
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

  #offer(identity: Identity): void {
    this.#tried.push(identity.label);
    this.#offering = identity;
    if (identity.certificate) this.#options.onCertificate('running', factsOf(identity.certificate, identity.label));
  }

  /** @param taken the machine wants more than it */
  #judgeOffered(taken: boolean): void {
    const identity = this.#offering;
    this.#offering = undefined;
    if (!identity || taken) return;
    this.#refused.push(identity);
    const { certificate, label } = identity;
    if (certificate) this.#options.onCertificate('failed', { ...factsOf(certificate, label), time: timeOf(certificate) });
  }

  #worked({ certificate, key, label, source }: Identity): void {
    const common = { key: label, fingerprint: fingerprint(key.getPublicSSH()) };
    if (!certificate) {
      this.found = { method: source, ...common };
      return;
    }
    const facts = factsOf(certificate, label);
    this.found = { ...common, ...facts, method: 'sshCertificate' };
    this.#options.onCertificate('done', facts);
  }

  #unhurried(identity: Identity): Identity {
    const sign: Identity['sign'] = async (data, hash) => {
      const done = this.#options.waiting();
      return identity.sign(data, hash).finally(done);
    };
    return identity.source === 'agent' ? { ...identity, sign } : identity;
  }

  #collect(): Promise<Identity[]> {
    const { config, machine, secrets, ask } = this.#options;
    return collectIdentities({
      agent: config.agent,
      files: config.identityFiles,
      certificates: config.certificateFiles,
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

  #outdated(): Certified | undefined {
    return this.#refused.find((identity): identity is Certified => isCertified(identity) && timeOf(identity.certificate) !== 'valid');
  }

  /** Nobody is there for the machine's question; a certificate that has run out is why it asks at all. */
  #unanswered(message: string): HostFailure {
    const { machine } = this.#options;
    return this.#outdated() ? this.why() : failure('ssh-sign-in', message, { final: true, values: { machine } });
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
      throw this.#unanswered(`${machine} asks for a password`);
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
      throw this.#unanswered(`${machine} asks: ${shown(first?.prompt ?? '', 200)}`);
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

type Certified = Identity & { certificate: Certificate };
const isCertified = (identity: Identity): identity is Certified => identity.certificate !== undefined;

/** What is shown of a certificate; without `until` it never ends. */
function factsOf({ id, principals, validUntil }: Certificate, label: string) {
  return {
    key: label,
    certificate: id || '–',
    principals: shown(principals.join(', '), 200) || '–',
    ...(validUntil && { until: minuteOf(validUntil) }),
  };
}

function outOfTime(
  { certificate, label }: Certified,
  more: { values: Record<string, string>; detail: string; final: boolean },
): HostFailure {
  const values = { ...more.values, ...factsOf(certificate, label) };
  if (timeOf(certificate) === 'expired') {
    const message = `The certificate “${values.certificate}” of ${label} expired at ${values.until}`;
    return failure('ssh-certificate-expired', message, { ...more, values });
  }
  const from = certificate.validFrom ? minuteOf(certificate.validFrom) : '';
  const message = `The certificate “${values.certificate}” of ${label} is valid from ${from} on`;
  return failure('ssh-certificate-not-yet', message, { ...more, values: { ...values, from } });
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
