import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hostErrorOf } from '../../hosts/errors.ts';
import { UserQuestion } from '../../hosts/user-question.ts';
import type { ConnectAnswer, ConnectQuestion, InstallAction, InstallJob } from '../../ipc/contract.ts';
import { cancelled } from '../../ssh/index.ts';
import { check, type Facts, STAGING } from './check.ts';
import { runPlan } from './install.ts';
import { type Machine, Root } from './machine.ts';
import { nodeFor, type RuntimeOptions } from './payload.ts';
import { installPlan, type PlannedStep, uninstallPlan, upgradePlan } from './plan.ts';
import { architectureOf, problemsOf } from './problems.ts';

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
  question: UserQuestion;
  /** Resolves when nothing of it runs any more. */
  over: Promise<void>;
  hooks: InstallHooks;
}

export interface InstallHooks {
  /** Before anything: whether the user's marks of the host allow it; throws what the user is told. */
  permit?: (confirmed: string | undefined) => void;
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
      staging: `${STAGING}/gantry-${randomBytes(6).toString('hex')}`,
      abort: new AbortController(),
      question: new UserQuestion(),
      over: Promise.resolve(),
      hooks,
    };
    this.#running.set(id, running);
    void this.#check(running);
    return job;
  }

  answer(id: string, questionId: string, answer: ConnectAnswer | null): void {
    this.#running.get(id)?.question.answer(questionId, answer);
  }

  /** uninstall: whether images, containers and volumes stay. The plan follows. */
  keepData(id: string, keep: boolean): void {
    const running = this.#running.get(id);
    if (!running?.facts || running.job.state !== 'ready' || running.job.action !== 'uninstall') return;
    running.plan = uninstallPlan(running.facts, keep);
    this.#become(running, { ...running.job, keepData: keep, steps: stepsOf(running.plan) });
  }

  /** @throws Error if there is nothing to run */
  run(id: string, confirmed?: string): void {
    const running = this.#running.get(id);
    if (running?.job.state !== 'ready' || running.job.problems.some(({ blocking }) => blocking)) throw new Error('There is nothing to run');
    const busy = [...this.#running.values()].some(({ job, machine }) => job.state === 'running' && machine.name === running.machine.name);
    if (busy) throw new Error(`The engine on ${running.machine.name} is being set up already`);
    running.hooks.permit?.(confirmed);
    this.#become(running, { ...running.job, state: 'running' });
    running.over = this.#run(running);
  }

  /** Stops; what was done is undone. */
  end(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    running.abort.abort(cancelled());
    if (running.job.state !== 'running') this.#running.delete(id);
  }

  /** Those that change a machine now. */
  running(): InstallJob[] {
    return [...this.#running.values()].map(({ job }) => job).filter(({ state }) => state === 'running');
  }

  /** Before the application ends: what runs is stopped and undone. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { job } of running) this.end(job.id);
    await Promise.all(running.map(({ over }) => over));
  }

  async #check(running: Running): Promise<void> {
    const { machine, job, abort } = running;
    try {
      const facts = await check(machine, abort.signal);
      running.facts = facts;
      const problems = problemsOf(facts, job.action);
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
    // An upgrade leaves the Node that is there if it is the same.
    const isThere = facts.runtimeHash !== '' && facts.runtimeHash === (await sha256Of(node));
    running.files = { ...(isThere ? {} : { node }), 'gantryd.js': engine };
    const [service, socket] = await Promise.all(['gantry.service', 'gantry.socket'].map((name) => readFile(join(units, name), 'utf8')));
    const sizes = { engine: await sizeOf(engine), runtime: isThere ? 0 : await sizeOf(node) };
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
    const known = hostErrorOf(error, running.machine.name);
    this.#options.log(`${running.job.action} on ${running.machine.name}: ${known.message} ${known.detail ?? ''}`);
    this.#become(running, { ...running.job, state: 'failed', error: known });
  }

  #ask(running: Running, question: ConnectQuestion): Promise<ConnectAnswer> {
    const show = (asked: InstallJob['question']) => {
      const { question: _, ...rest } = running.job;
      this.#become(running, asked ? { ...rest, question: asked } : rest);
    };
    return running.question.ask(question, show, running.abort.signal);
  }

  #become(running: Running, job: InstallJob): void {
    running.job = job;
    this.#options.onChange(job);
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

const sizeOf = async (path: string): Promise<number> => (await stat(path)).size;

function stepsOf(plan: readonly PlannedStep[]): InstallJob['steps'] {
  return plan.map(({ id, script, asRoot }) => ({ id, command: script, asRoot, status: 'waiting' }));
}
