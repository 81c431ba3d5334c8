import { promises as fs } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import * as v from 'valibot';
import type { ContainerStop } from '../../contract/gantry.ts';
import { readJson, sweepTemporary, writeJson } from '../../store/durable.ts';
import type { EngineContext } from '../context.ts';
import { Failure, messageOf } from '../failure.ts';
import { KeyedQueue } from '../queue.ts';
import { reasonOf, signalOf } from './reason.ts';
import type { StopFacts, Stops } from './types.ts';

/** Ends that are kept of one container: one that crashes over and over takes no other's place. */
const KEPT_EACH = 10;
/** Containers of which ends are kept; the ones that stopped longest ago go first. */
const KEPT_CONTAINERS = 500;
const TIDY_EVERY = 100;

const FILE = v.object({
  version: v.literal(1),
  stops: v.array(v.custom<ContainerStop>((value) => typeof value === 'object' && value !== null)),
});

/** DATA/stops/ID.json: the latest ends of one container. Not fsynced: a power cut may take the last one with it. */
export function createStops(context: EngineContext): Stops {
  const folder = path.join(context.paths.data, 'stops');
  const queue = new KeyedQueue();
  const pending = new Set<Promise<void>>();
  let written = 0;
  const fileOf = (id: string): string => path.join(folder, `${id}.json`);

  const read = async (id: string): Promise<ContainerStop[]> => {
    const result = await readJson(fileOf(id), (value) => v.parse(FILE, value).stops);
    if (result.status === 'damaged')
      context.log.warn('what is known of the ends of a container can not be read', { container: id, ...result });
    return result.status === 'ok' ? result.value : [];
  };

  const write = (id: string, stop: ContainerStop): Promise<void> =>
    queue.run(id, async () => {
      const stops = [stop, ...(await read(id))].slice(0, KEPT_EACH);
      await writeJson(fileOf(id), { version: 1, stops }, { sync: false });
      written += 1;
      if (written % TIDY_EVERY === 0) await tidy();
    });

  /** Newest first. */
  const ids = async (): Promise<string[]> => {
    const names = (await fs.readdir(folder)).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
    const aged = await Promise.all(
      names.map(async (name) => ({
        id: name.slice(0, 64),
        at: (await fs.stat(path.join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0,
      })),
    );
    return aged.sort((a, b) => b.at - a.at).map(({ id }) => id);
  };

  const tidy = async (): Promise<void> => {
    for (const id of (await ids()).slice(KEPT_CONTAINERS)) await fs.rm(fileOf(id), { force: true });
  };

  return {
    async start() {
      await fs.mkdir(folder, { recursive: true, mode: 0o700 });
      await sweepTemporary(folder);
      await tidy();
    },
    async stop() {
      await Promise.all(pending);
    },
    note(facts, lastLines) {
      const work = lastLines()
        .catch(() => [])
        .then((lines) => write(facts.id, stopOf(facts, lines)))
        .catch((error) =>
          context.log.warn('why a container stopped could not be written', { container: facts.id, error: messageOf(error) }),
        )
        .finally(() => pending.delete(work));
      pending.add(work);
    },
    async latest(limit) {
      await Promise.all(pending);
      const newest = await Promise.all((await ids()).slice(0, limit).map(read));
      return newest
        .flat()
        .sort((a, b) => Date.parse(b.FinishedAt) - Date.parse(a.FinishedAt))
        .slice(0, limit);
    },
    async of(id) {
      await Promise.all(pending);
      const found = /^[0-9a-f]{1,64}$/.test(id) ? (await ids()).filter((each) => each.startsWith(id)) : [];
      if (found.length > 1) throw new Failure('invalidParameter', `multiple IDs found with provided prefix: ${id}`);
      if (!found[0]) throw new Failure('notFound', `No such container: ${id}`);
      return read(found[0]);
    },
  };
}

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

function signalName(number: number | undefined): string | undefined {
  return number === undefined ? undefined : (SIGNAL_NAMES.get(number) ?? `SIG${number}`);
}

function stopOf(facts: StopFacts, LastLines: ContainerStop['LastLines']): ContainerStop {
  const { cause, by, forced } = reasonOf(facts);
  const { request } = facts;
  const signal = cause === 'start' || cause === 'lost' ? undefined : signalName(signalOf(facts.exitCode));
  const asked = signalName(request?.signal);
  return {
    ...{ Id: facts.id, Name: facts.name, Image: facts.image, StartedAt: facts.startedAt, FinishedAt: facts.finishedAt },
    ...{ Cause: cause, By: by, ExitCode: facts.exitCode },
    ...(signal ? { Signal: signal } : {}),
    ...{ OOMKilled: facts.oomKilled, Forced: forced },
    ...(facts.error === undefined ? {} : { Error: facts.error }),
    ...(by === 'api' && request
      ? {
          Request: {
            Call: request.call,
            Time: request.time,
            ...(asked ? { Signal: asked } : {}),
            ...(request.client ? { Client: request.client } : {}),
          },
        }
      : {}),
    ...(facts.restart ? { Restart: facts.restart } : {}),
    LastLines,
    ...(facts.health ? { Health: facts.health } : {}),
  };
}
