import type { Line, Listener } from '../threads.ts';
import type { FromWorker, Question, Questions, ToWorker } from './messages.ts';
import { inTurns } from './steps.ts';
import { answer } from './tasks.ts';
import { failureOf, lostFailure, treeThreads } from './threads.ts';

/** Asks something about a tree. @throws when it can't be read */
export async function askTree<K extends keyof Questions>(kind: K, task: Questions[K]['task']): Promise<Questions[K]['answer']> {
  const question = { kind, ...task } as Question;
  const remote = await treeThreads.open((line) => new RemoteAnswer(line));
  return (await (remote ? remote.ask(question) : inTurns(answer(question)))) as Questions[K]['answer'];
}

class RemoteAnswer implements Listener<FromWorker> {
  readonly #line: Line<ToWorker>;
  #settle: { resolve: (answer: unknown) => void; reject: (error: Error) => void } | undefined;

  constructor(line: Line<ToWorker>) {
    this.#line = line;
  }

  ask(question: Question): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#line.ask({ type: 'run', job: this.#line.id, question });
    }).finally(() => this.#line.release());
  }

  receive(message: FromWorker): void {
    if (message.type === 'answer') this.#settle?.resolve(message.answer);
    else if (message.type === 'failed') this.#settle?.reject(failureOf(message));
  }

  lost(error: Error): void {
    this.#settle?.reject(lostFailure(error));
  }
}
