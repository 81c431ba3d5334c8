import * as v from 'valibot';
import { type EngineClient, EngineError } from '../engine-client/index.ts';
import { ask, askIfThere, type ContainerAnswer, containerAnswer, imageAnswer, imagePath, unmake, volumeAnswer } from './answers.ts';
import { COPY_NAMES } from './by-archive/container.ts';
import { HOLDER_LABEL } from './by-archive/volume.ts';
import { type Carried, type Made, nothingMade, takeBack } from './carry.ts';
import { TransferFailure } from './failure.ts';
import type { TransferRecord } from './records.ts';
import { type Outcome, putBack, settle, type Work } from './run.ts';

/**
 * What becomes of a transfer in whose midst the app was killed. What has arrived whole is started, if it is to run, and the move ended;
 * what has not is taken away, and an original that was stopped goes on. Nobody else's things of the same names are touched.
 *
 * @param work `to`: undefined when the target can't be reached. Only what had not arrived is settled then, and what lies there stays.
 * @throws PutBack, or TransferFailure when there was nothing to put back
 */
export async function recover(work: Omit<Work, 'to'> & { to: EngineClient | undefined }, record: TransferRecord): Promise<Outcome> {
  const { step, known } = record;
  const { from, to, request } = work;
  const interrupted = new TransferFailure('interrupted', {}, 'the app ended in the midst of it');
  const giveUp = async (error: unknown): Promise<Error> => {
    // What can't be taken away keeps no original from going on.
    if (to) await takeAway(from, to, record).catch(() => undefined);
    if (known.stopped) return putBack(work, error);
    return error instanceof Error ? error : interrupted;
  };
  if (!to || step === 'look' || step === 'putBack') throw await giveUp(interrupted);
  const carried = await whatArrived(to, record);
  if (!carried) throw await giveUp(interrupted);
  if (request.move && known.stopped && (await runs(from, request.source.id))) {
    throw new TransferFailure('runs-here', {}, 'the original was started again meanwhile: both stay');
  }
  try {
    return await settle({ ...work, to }, carried);
  } catch (error) {
    throw await giveUp(error);
  }
}

/** Whether it may run on the target by now: the original does not go on before that has been looked at. */
export const hadArrived = ({ step }: TransferRecord): boolean => step === 'start' || step === 'remove';

async function whatArrived(to: EngineClient, record: TransferRecord): Promise<Carried | undefined> {
  const { request, known } = record;
  const { kind } = request.source;
  const { carried } = known;
  if (kind !== 'container') {
    const path = carried && (kind === 'image' ? `/images/${imagePath(carried.id)}/json` : `/volumes/${encodeURIComponent(carried.id)}`);
    const there = path && (kind === 'image' ? await askIfThere(to, imageAnswer, path) : await askIfThere(to, volumeAnswer, path));
    return there ? carried : undefined;
  }
  if (carried) return (await containerOf(to, carried.id)) ? carried : undefined;
  // By stream all of it comes or nothing: it may have come after the last that this app has written down.
  const name = request.name ?? request.source.name;
  const found = known.way === 'stream' ? await containerOf(to, name) : undefined;
  if (found?.State.Status !== 'created' || found.Image !== known.image) return undefined;
  return { id: found.Id, name, warnings: [], made: { ...known.made, containers: [found.Id] } };
}

const containerOf = (client: EngineClient, id: string): Promise<ContainerAnswer | undefined> =>
  askIfThere(client, containerAnswer, `/containers/${encodeURIComponent(id)}/json`);

const runs = async (client: EngineClient, id: string): Promise<boolean> => (await containerOf(client, id))?.State.Running === true;

/** What is the transfer's own beyond doubt; images stay, they are of use the next time. */
async function takeAway(from: EngineClient, to: EngineClient, { id, known }: TransferRecord): Promise<void> {
  const { made } = known.carried ?? known;
  for (const client of [from, to]) await takeAwayHolders(client, id);
  const containers = [...new Set([...made.containers, ...known.made.containers])];
  const there = (await Promise.all(containers.map((each) => containerOf(to, each)))).flatMap((each) => each ?? []);
  const mounted = new Set(there.flatMap(({ Mounts }) => Mounts.map(({ Name }) => Name)));
  const volumes: Made['volumes'] = [];
  for (const volume of made.volumes) {
    if (mounted.has(volume.name) || (await isTheSame(to, volume))) volumes.push(volume);
  }
  const images = made.images.filter((name) => name.startsWith(COPY_NAMES));
  // By stream they are known by name only, and a name says nothing when their container is gone.
  const networks = known.way === 'archive' || there.length > 0 ? made.networks : [];
  await takeBack(to, { containers: there.map(({ Id }) => Id), volumes, networks, images });
  await takeBack(from, { ...nothingMade(), images });
}

async function isTheSame(client: EngineClient, { name, createdAt }: Made['volumes'][number]): Promise<boolean> {
  if (createdAt === undefined) return false;
  return (await askIfThere(client, volumeAnswer, `/volumes/${encodeURIComponent(name)}`))?.CreatedAt === createdAt;
}

const holders = v.array(v.object({ Id: v.string(), ImageID: v.optional(v.string(), '') }));

/** Containers that held a volume while it was read or written. */
async function takeAwayHolders(client: EngineClient, transfer: string): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${HOLDER_LABEL}=${transfer}`] }));
  for (const { Id, ImageID } of await ask(client, holders, 'GET', `/containers/json?all=1&filters=${filters}`)) {
    await gone(client, `/containers/${Id}?force=1`);
    if (ImageID) await gone(client, `/images/${ImageID}?force=1`);
  }
}

async function gone(client: EngineClient, path: string): Promise<void> {
  try {
    await unmake(client, path);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
  }
}
