import * as v from 'valibot';
import { ProtocolError } from '../engine-client/index.ts';
import type { TransferPlan } from '../ipc/contract.ts';
import { ask, containerAnswer, haveAnswer, planAnswer, resultAnswer } from './answers.ts';
import { type Carried, type Carrying, type Made, nothingMade, pipeOver, takeBack } from './carry.ts';
import { TransferFailure } from './failure.ts';

const MEDIA_TYPE = 'application/vnd.gantry.copy';

/** From one of our engines to another: its stream carries what the target lacks, and the target takes all of it or nothing. */
export async function carryByStream(carrying: Carrying): Promise<Carried> {
  const { from, request, plan, signal } = carrying;
  const { source } = request;
  const json = {
    Kind: source.kind,
    Name: source.id,
    Have: await layersThere(carrying),
    LeaveVolumes: request.useVolumes,
    Pause: request.pause,
  };
  // Of an image no process reads anything.
  const reads = !request.pause || source.kind === 'image';
  const sent = await from.stream('POST', '/gantry/v1/copy/send', { body: { json }, reads, signal });
  const query = request.name ? `?${new URLSearchParams({ name: request.name })}` : '';
  let result: v.InferOutput<typeof resultAnswer> | undefined;
  await pipeOver(carrying, sent.body, { method: 'POST', path: `/gantry/v1/copy/receive${query}`, type: MEDIA_TYPE }, ({ aux }) => {
    const parsed = v.safeParse(resultAnswer, aux);
    if (parsed.success) result = parsed.output;
  });
  if (!result) throw new ProtocolError('the target did not say that it has everything');
  const carried: Carried = { id: result.Id, name: result.Name, warnings: result.Warnings, made: nothingMade() };
  const { made } = carried;
  if (source.kind === 'container') made.containers.push(result.Id);
  if (source.kind === 'volume') made.volumes.push({ name: result.Id });
  else addPlanned(made, plan);
  if (source.kind === 'container') await checkAnnounced(carrying, carried);
  return carried;
}

/** What came with a container or an image, as was said before: a stream brings all of it or nothing. */
export function addPlanned(made: Made, plan: Pick<TransferPlan, 'volumes' | 'networks' | 'image'>): void {
  made.volumes.push(...plan.volumes.filter(({ there, anonymous }) => !there && !anonymous).map(({ name }) => ({ name })));
  made.networks.push(...plan.networks.filter(({ there }) => !there).map(({ name }) => name));
  if (plan.image && !plan.image.there) made.images.push(plan.image.id);
}

/** Asked again: between the preview and now much may have come and gone. */
async function layersThere({ from, to, request, signal }: Carrying): Promise<string[]> {
  const { source } = request;
  if (source.kind === 'volume') return [];
  const query = new URLSearchParams({ kind: source.kind, name: source.id });
  const { Image } = await ask(from, planAnswer, 'GET', `/gantry/v1/copy/plan?${query}`, { signal });
  const json = { Layers: Image?.Layers.map(({ DiffId }) => DiffId) ?? [] };
  return (await ask(to, haveAnswer, 'POST', '/gantry/v1/copy/have', { json, signal })).Layers;
}

/** A host that is not to be trusted may send another container than it showed: one with rights over the target. */
async function checkAnnounced({ to, plan, signal }: Carrying, { id, made }: Carried): Promise<void> {
  const { Mounts, HostConfig } = await ask(to, containerAnswer, 'GET', `/containers/${id}/json`, { signal });
  const shown = new Set(plan.container?.binds);
  const other = Mounts.find(({ Type, Source }) => Type === 'bind' && !shown.has(Source));
  const privileged = HostConfig.Privileged === true && !plan.container?.privileged;
  if (!other && !privileged) return;
  await takeBack(to, made);
  if (other) throw new TransferFailure('other-bind', { folder: other.Source }, `the source sent a container that sees ${other.Source}`);
  throw new TransferFailure('other-privileged', {}, 'the source sent a privileged container');
}
