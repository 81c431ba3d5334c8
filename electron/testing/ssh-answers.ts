import type { ConnectAnswer, ConnectQuestion } from '../ipc/contract.ts';
import type { Ask } from '../ssh/auth.ts';
import { cancelled } from '../ssh/failures.ts';
import type { Secrets } from '../ssh/secrets.ts';

/** Secrets in memory, as on a system without a keychain. */
export class MemorySecrets implements Secrets {
  durable = false;
  readonly kept = new Map<string, string>();
  async get(name: string): Promise<string | undefined> {
    return this.kept.get(name);
  }
  async put(name: string, value: string): Promise<void> {
    this.kept.set(name, value);
  }
  async forget(name: string): Promise<void> {
    this.kept.delete(name);
  }
}

/** Answers questions in turn: a text for what is asked, `true` for yes, `null` for cancel. Keeps what was asked. */
export function answers(...given: (string | string[] | true | null)[]): Ask & { asked: ConnectQuestion[] } {
  const asked: ConnectQuestion[] = [];
  const ask = async (question: ConnectQuestion): Promise<ConnectAnswer> => {
    asked.push(question);
    if (given.length === 0) throw new Error(`nobody expected this question: ${JSON.stringify(question)}`);
    const answer = given.shift();
    if (answer === null || answer === undefined) throw cancelled();
    return { values: answer === true ? [] : Array.isArray(answer) ? answer : [answer], remember: false };
  };
  return Object.assign(ask, { asked });
}
