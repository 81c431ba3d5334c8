import { join } from 'node:path';
import { expect } from 'vitest';
import { Hosts } from '../hosts/index.ts';
import { hostsFileSchema } from '../hosts/records.ts';
import type { ConnectAttempt, ConnectQuestion, Host } from '../ipc/contract.ts';
import { readConfigFiles, type Secrets } from '../ssh/index.ts';
import { JsonFile } from '../store/json-file.ts';

/** The part of the app below the window, with a home of its own. `hosts.start()` and `hosts.stop()` are the test's. */
export class Below {
  attempt: ConnectAttempt | undefined;
  list: Host[] = [];
  /** What the host was, without repeats. */
  readonly statuses: string[] = [];
  readonly events: unknown[] = [];
  readonly log: string[] = [];
  readonly hosts: Hosts;
  readonly #kind: Host['kind'];

  /** @param kind the host that the test is about is the first of this kind */
  constructor(kind: Host['kind'], home: string, secrets: Secrets) {
    this.#kind = kind;
    this.hosts = new Hosts({
      file: new JsonFile(join(home, 'hosts.json'), hostsFileSchema),
      local: { socketPath: '/nowhere.sock', prepare: async () => {} },
      onChange: (list) => {
        this.list = list;
        const status = this.host?.state.status;
        if (status !== undefined && this.statuses.at(-1) !== status) this.statuses.push(status);
      },
      onEvents: (events) => this.events.push(...events),
      onAttempt: (attempt) => {
        this.attempt = attempt;
      },
      sshFiles: () => readConfigFiles({ home, system: '/none', env: {} }),
      secrets,
      log: (text) => this.log.push(text),
    });
  }

  get host(): Host | undefined {
    return this.list.find(({ kind }) => kind === this.#kind);
  }

  async becomes(status: Host['state']['status'], ms = 10_000): Promise<Host> {
    await expect.poll(() => this.host?.state.status, { timeout: ms }).toBe(status);
    return this.host as Host;
  }

  /** Answers questions until the attempt is over. @param answerTo null is a no */
  async through(answerTo: (question: ConnectQuestion) => string | null): Promise<ConnectAttempt> {
    let answered = '';
    await expect
      .poll(
        () => {
          const { attempt } = this;
          const question = attempt?.question;
          if (attempt && question && question.id !== answered) {
            answered = question.id;
            const answer = answerTo(question);
            this.hosts.attempts.answer(attempt.id, question.id, answer === null ? null : { values: [answer], remember: false });
          }
          return attempt?.state ?? 'running';
        },
        { timeout: 15_000, interval: 10 },
      )
      .not.toBe('running');
    return this.attempt as ConnectAttempt;
  }
}
