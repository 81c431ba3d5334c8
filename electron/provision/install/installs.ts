import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HostFailure, hostErrorOf } from '../../hosts/errors.ts';
import type { ConnectAnswer, ConnectQuestion, InstallAction, InstallJob, InstallProblem } from '../../ipc/contract.ts';
import { cancelled } from '../../ssh/index.ts';
import { check, type Facts } from './check.ts';
import { runPlan } from './install.ts';
import { type Machine, Root } from './machine.ts';
import { nodeFor, type RuntimeOptions } from './payload.ts';
import { architectureOf, installPlan, type PlannedStep, problemsOf, uninstallPlan, upgradePlan } from './plan.ts';

export interface InstallsOptions {
  /** The engine's bundle, gantryd.js. */
  engine: string;
  /** Folder with gantry.service and gantry.socket. */
  units: string;
  runtime: RuntimeOptions;
  onChange: (job: InstallJob) => void;
  log: (text: string) => void;
}

interface Running {
  job: InstallJob;
  machine: Machine;
  facts: Facts | undefined;
  root: Root | undefined;
  plan: PlannedStep[];
  files: Record<string, string>;
  staging: string;
  abort: AbortController;
  answer: ((answer: ConnectAnswer | undefined) => void) | undefined;
  hooks: InstallHooks;
}

export interface InstallHooks {
  /** Before the first step: what uses the engine's folders lets go of them. */
  before?: () => Promise<void>;
  /** After the last, or after what was begun is undone. */
  after?: () => void;
}

/** Engines that are being set up, upgraded or taken away: each is checked and planned first, and run when the user says so. */
export class Installs {
  readonly #options: InstallsOptions;
  readonly #running = new Map<string, Running>();

  constructor(options: InstallsOptions) {
    this.#options = options;
  }

  /** Looks at the machine and plans; what it finds is told by onChange. */
  start(machine: Machine, action: InstallAction, hooks: InstallHooks = {}): InstallJob {
    const id = `i${randomBytes(6).toString('hex')}`;
    const job: InstallJob = { id, action, machine: machine.name, state: 'checking', problems: [], steps: [], keepData: true };
    const running: Running = {
      job,
      machine,
      facts: undefined,
      root: undefined,
      plan: [],
      files: {},
      staging: `/tmp/gantry-${randomBytes(6).toString('hex')}`,
      abort: new AbortController(),
      answer: undefined,
      hooks,
    };
    this.#running.set(id, running);
    void this.#check(running);
    return job;
  }

  answer(id: string, questionId: string, answer: ConnectAnswer | null): void {
    const running = this.#running.get(id);
    if (running?.job.question?.id === questionId) running.answer?.(answer ?? undefined);
  }

  /** @throws Error if there is nothing to run */
  run(id: string, { keepData }: { keepData: boolean }): void {
    const running = this.#running.get(id);
    if (running?.job.state !== 'ready' || running.job.problems.some(({ blocking }) => blocking)) throw new Error('There is nothing to run');
    if (running.job.action === 'uninstall' && running.facts) running.plan = uninstallPlan(running.facts, keepData);
    this.#become(running, { ...running.job, keepData, state: 'running', steps: stepsOf(running.plan) });
    void this.#run(running);
  }

  /** Stops; what was done is undone. */
  end(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    running.abort.abort(cancelled());
    if (running.job.state !== 'running') this.#running.delete(id);
  }

  async #check(running: Running): Promise<void> {
    const { machine, job, abort } = running;
    try {
      const facts = await check(machine, abort.signal);
      running.facts = facts;
      const problems = [...problemsOf(facts), ...matching(facts, job.action)];
      const arch = architectureOf(facts);
      const blocked = problems.some(({ blocking }) => blocking);
      if (!blocked && arch) await this.#prepare(running, facts, arch);
      running.root = new Root(machine, {
        rights: facts.rights,
        user: facts.user,
        askPassword: async (again) => {
          const question = { kind: 'sudo', machine: machine.name, user: facts.user, again, canRemember: false } as const;
          return (await this.#ask(running, question)).values[0] ?? '';
        },
      });
      const { distribution, kernel, cgroup, installed } = facts;
      this.#become(running, {
        ...running.job,
        state: 'ready',
        facts: { distribution, kernel, arch: facts.arch, cgroup, installed },
        problems,
        steps: stepsOf(running.plan),
      });
    } catch (error) {
      this.#fail(running, error);
    }
  }

  async #prepare(running: Running, facts: Facts, arch: 'x64' | 'arm64'): Promise<void> {
    const { engine, units, runtime } = this.#options;
    const { job, staging } = running;
    if (job.action === 'uninstall') {
      running.plan = uninstallPlan(facts, job.keepData);
      return;
    }
    const node = nodeFor(arch, runtime);
    running.files = { node, 'gantryd.js': engine };
    const [service, socket] = await Promise.all(['gantry.service', 'gantry.socket'].map((name) => readFile(join(units, name), 'utf8')));
    const sizes = { engine: await sizeOf(engine), runtime: await sizeOf(node) };
    const input = { facts, staging, sizes, units: { service: service ?? '', socket: socket ?? '' } };
    running.plan = job.action === 'install' ? installPlan(input) : upgradePlan(input);
  }

  async #run(running: Running): Promise<void> {
    const { machine, root, plan, files, staging, abort, job } = running;
    if (!root) return;
    const total = (await Promise.all(Object.values(files).map(sizeOf))).reduce((sum, size) => sum + size, 0);
    const change = (index: number, part: Partial<InstallJob['steps'][number]>) => {
      const steps = running.job.steps.map((step, at) => (at === index ? { ...step, ...part } : step));
      this.#become(running, { ...running.job, steps });
    };
    let told = 0;
    this.#options.log(`${job.action} on ${machine.name} begins`);
    try {
      await running.hooks.before?.();
      await runPlan({
        machine,
        root,
        steps: plan,
        files,
        staging,
        signal: abort.signal,
        onStatus: (index, status) => change(index, { status }),
        onProgress: (index, done) => {
          if (done - told < 1024 * 1024 && done !== total) return;
          told = done;
          change(index, { progress: { done, total } });
        },
      });
      this.#options.log(`${job.action} on ${machine.name} is done`);
      this.#become(running, { ...running.job, state: 'done' });
    } catch (error) {
      this.#fail(running, error);
    } finally {
      running.hooks.after?.();
      this.#running.delete(job.id);
    }
  }

  #fail(running: Running, error: unknown): void {
    const { message, detail } =
      error instanceof HostFailure ? { message: error.message, detail: error.error.detail } : { message: String(error), detail: '' };
    this.#options.log(`${running.job.action} on ${running.machine.name}: ${message} ${detail ?? ''}`);
    const known = hostErrorOf(error, running.machine.name);
    // What could not be undone stands in the message.
    const left = /\nNot undone:[\s\S]*/.exec(message)?.[0] ?? '';
    this.#become(running, {
      ...running.job,
      state: 'failed',
      error: { ...known, ...(left && { detail: `${known.detail ?? ''}${left}` }) },
    });
  }

  async #ask(running: Running, question: ConnectQuestion): Promise<ConnectAnswer> {
    const { signal } = running.abort;
    this.#become(running, { ...running.job, question: { ...question, id: randomBytes(6).toString('hex') } });
    try {
      const answer = await new Promise<ConnectAnswer | undefined>((resolve) => {
        running.answer = resolve;
        signal.addEventListener('abort', () => resolve(undefined), { once: true });
      });
      if (!answer) throw cancelled();
      return answer;
    } finally {
      running.answer = undefined;
      const { question: _, ...rest } = running.job;
      this.#become(running, rest);
    }
  }

  #become(running: Running, job: InstallJob): void {
    running.job = job;
    this.#options.onChange(job);
  }
}

const sizeOf = async (path: string): Promise<number> => (await stat(path)).size;

function stepsOf(plan: readonly PlannedStep[]): InstallJob['steps'] {
  return plan.map(({ id, script, asRoot }) => ({ id, command: script, asRoot, status: 'waiting' }));
}

/** Whether what is asked for makes sense with what is there. */
function matching({ installed }: Facts, action: InstallAction): InstallProblem[] {
  if (action === 'install' && installed !== '') return [{ code: 'installed', blocking: true, values: { version: installed } }];
  if (action !== 'install' && installed === '') return [{ code: 'not-installed', blocking: true, values: {} }];
  return [];
}
