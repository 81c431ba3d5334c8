import { setTimeout as delay } from 'node:timers/promises';
import { type EngineClient, EngineError } from '../engine-client/index.ts';
import type { StartTransfer, TransferPlan, TransferStep } from '../ipc/contract.ts';
import { imagePath, tell } from './answers.ts';
import { carryContainer, stateOf } from './by-archive/container.ts';
import { carryImage } from './by-archive/image.ts';
import { carryVolume } from './by-archive/volume.ts';
import { addPlanned, carryByStream } from './by-stream.ts';
import { type Carried, type Carrying, nothingMade, takeBack } from './carry.ts';
import { TransferFailure } from './failure.ts';
import { makePlan } from './plan.ts';
import type { Known } from './records.ts';

export interface Work extends Omit<Carrying, 'plan'> {
  /** Resolves when it is on disk that this step is taken, and what is known by then: it may be the last that the app does. */
  step(step: Exclude<TransferStep, 'wait'>, known?: Partial<Known>): Promise<void>;
  /** About so many bytes will travel. */
  total(bytes: number): void;
}
export interface Outcome {
  id: string;
  name: string;
  warnings: string[];
  /** The original was to be deleted, and could not be: why. */
  kept?: string;
}

/** A move failed after the original was stopped; `cause` says why. */
export class PutBack extends Error {
  /** Why the original did not start again; undefined: it runs. */
  readonly problem: string | undefined;
  constructor(problem: string | undefined, cause: unknown) {
    super(wordsOf(cause), { cause });
    this.name = 'PutBack';
    this.problem = problem;
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Copies or moves. All that it has made is taken away again when it fails, and what it has stopped goes on. */
export async function transfer(work: Work): Promise<Outcome> {
  const { from, to, request, signal } = work;
  await work.step('look');
  const plan = await makePlan(from, to, request.source, signal);
  refuse(plan, request);
  work.total(bytesOf(plan, request));
  const stopped = request.move && plan.container?.running === true;
  try {
    if (stopped) {
      await work.step('stop', { stopped });
      await tell(from, 'POST', `/containers/${request.source.id}/stop`, signal);
    }
    const made = nothingMade();
    if (plan.way === 'stream') addPlanned(made, plan);
    await work.step('copy', { way: plan.way, image: plan.image?.id, made });
    return await settle(work, await carry({ ...work, plan }));
  } catch (error) {
    throw stopped ? await putBack(work, error) : error;
  }
}

/** All of it is there: it is started, if it is to run, and only then the original is removed. */
export async function settle(work: Work, carried: Carried): Promise<Outcome> {
  if (work.request.start && work.request.source.kind === 'container') await startThere(work, carried);
  return finish(work, carried);
}

function refuse(plan: TransferPlan, { move, name, source }: StartTransfer): void {
  if (move && plan.container?.autoRemove)
    throw new TransferFailure('auto-remove', {}, `${source.name} is removed as soon as it stops: it can be copied, not moved`);
  if (plan.nameTaken && !name)
    throw new TransferFailure('name-taken', { name: source.name }, `the target has a ${source.kind} of the name ${source.name} already`);
}

function bytesOf(plan: TransferPlan, { useVolumes }: StartTransfer): number {
  const image = plan.image ? plan.image.bytes - plan.image.thereBytes : 0;
  const volumes = plan.volumes.filter(({ name, data }) => data && !useVolumes.includes(name));
  return [image, plan.container?.writableBytes ?? 0, ...volumes.map(({ bytes }) => bytes)].reduce(
    (sum, each) => sum + Math.max(0, each),
    0,
  );
}

function carry(carrying: Carrying): Promise<Carried> {
  const { plan, request } = carrying;
  if (plan.way === 'stream') return carryByStream(carrying);
  if (request.source.kind === 'image') return carryImage(carrying);
  if (request.source.kind === 'volume') return carryVolume(carrying, request.source.id, request.name);
  return carryContainer(carrying);
}

/** It runs when it has run for a while, or its health check says so; a job that ended well ran, too. */
async function startThere({ to, step, signal }: Work, carried: Carried): Promise<void> {
  const { id, made } = carried;
  try {
    await step('start', { carried });
    await tell(to, 'POST', `/containers/${id}/start`, signal);
    await untilItRuns(to, id, signal);
  } catch (error) {
    await takeBack(to, made);
    throw error;
  }
}

const STEADY_MS = 2000;
const HEALTHY_MS = 120_000;
const LOOK_MS = 200;

async function untilItRuns(client: EngineClient, id: string, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  for (;;) {
    const { State, RestartCount } = await stateOf(client, id, signal);
    const age = performance.now() - started;
    const health = State.Health?.Status || 'none';
    const code = String(State.ExitCode);
    if (health === 'unhealthy') throw new TransferFailure('unhealthy', {}, 'it started, but its health check fails');
    if (State.Restarting || RestartCount > 0) throw new TransferFailure('restarts', { code }, `it does not stay up: exit code ${code}`);
    if (!State.Running) {
      if (State.ExitCode === 0) return;
      throw State.Error ? new EngineError(500, State.Error) : new TransferFailure('ended', { code }, `it ended at once: exit code ${code}`);
    }
    if (health === 'healthy' || (health === 'none' && age > STEADY_MS)) return;
    if (age > HEALTHY_MS) throw new TransferFailure('never-healthy', {}, 'it did not become healthy in two minutes');
    await delay(LOOK_MS, undefined, { signal });
  }
}

/** What is done cannot fail any more: an original that can't be removed is told, and stays. */
async function finish({ from, request, step }: Work, carried: Carried): Promise<Outcome> {
  const { id, name, warnings } = carried;
  if (!request.move || !request.remove) return { id, name, warnings };
  try {
    await step('remove', { carried });
    await removeOriginal(from, request);
    return { id, name, warnings };
  } catch (error) {
    return { id, name, warnings, kept: wordsOf(error) };
  }
}

function ifThere(error: unknown): void {
  if (!(error instanceof EngineError && error.status === 404)) throw error;
}

async function removeOriginal(from: EngineClient, { source }: StartTransfer): Promise<void> {
  if (source.kind === 'image') return tell(from, 'DELETE', `/images/${imagePath(source.id)}`).catch(ifThere);
  const container = source.kind === 'container';
  try {
    // Where the engine has a bin: it can be taken out again.
    const json = container ? { Container: source.id, Volumes: true } : { Volume: source.id };
    await from.json('POST', '/gantry/v1/bin', { body: { json } });
  } catch (error) {
    if (!(error instanceof EngineError && error.status === 404)) throw error;
    // Without a bin; or it is gone already, as after a crash.
    await tell(from, 'DELETE', container ? `/containers/${source.id}?v=1` : `/volumes/${encodeURIComponent(source.id)}`).catch(ifThere);
  }
}

/** Starts the original again. @returns what to throw: why it was necessary, and why it did not work, if it did not */
export async function putBack({ from, request, step }: Pick<Work, 'from' | 'request' | 'step'>, error: unknown): Promise<PutBack> {
  try {
    // It is started whether or not that can be written down.
    await step('putBack').catch(() => undefined);
    await tell(from, 'POST', `/containers/${request.source.id}/start`);
    return new PutBack(undefined, error);
  } catch (failure) {
    return new PutBack(wordsOf(failure), error);
  }
}
