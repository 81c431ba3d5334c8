import { promises as fs, lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { type HostMounts, unmountCopiesElsewhere, unmountCopy } from '../../system/mount/index.ts';
import { Failure, messageOf } from '../failure.ts';
import type { Undo } from '../undo.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import type { MountRecord } from './mount-parse.ts';
import { hostOf, makeFolderOnHost, nameOnHost, openOnHost } from './on-host.ts';

/**
 * Below the run folder: copies of the host's mounts for as long as a runtime starts. Apart from the containers' folders, since nothing
 * here is ever removed with what is in it.
 */
const PLACES = 'binds';

type BindWish = Pick<MountRecord, 'source' | 'createSource' | 'nonRecursive'>;

/**
 * Finds the source of a bind, or makes it, as the host has it now, and mounts a copy of it at a place of ours that the runtime binds:
 * it works in the engine's mount namespace, to which the host's mounts do not come where they are private.
 *
 * @param name tells it from the container's others
 * @param until gets what takes the copy away: `undo` for a start that fails, `releases` for when the runtime has bound it
 * @returns what the runtime binds
 * @throws Failure invalidParameter when it is not there, system when it can't be made or mounted
 */
export async function bindSource(
  engine: Engine,
  container: Container,
  mount: BindWish,
  name: number | string,
  until: { undo: Undo; releases: (() => void)[] },
): Promise<string> {
  const host = hostOf(engine, mount.source);
  if (!host) {
    await fs.stat(mount.source).catch(async (error) => {
      refuseMissing(mount, error);
      await make(mount, () => fs.mkdir(mount.source, { recursive: true, mode: 0o755 }));
    });
    return mount.source;
  }
  const handle = await openSource(host, mount);
  try {
    const real = await nameOnHost(handle);
    if (host.isOwn(real)) return real;
    const place = path.join(engine.context.paths.run, PLACES, `${container.id}-${name}`);
    await makePlace(place, (await handle.stat()).isDirectory());
    try {
      host.take(handle.fd, place, !mount.nonRecursive);
    } catch (error) {
      throw new Failure('system', `error while mounting bind source '${mount.source}': ${messageOf(error)}`, { cause: error });
    }
    const release = (): void => {
      unmountCopy(place);
      removePlace(place);
    };
    until.undo.add('bind source', release);
    until.releases.push(release);
    return place;
  } finally {
    await handle.close();
  }
}

/** When the engine starts: what starts that were cut off have left, here and in the namespaces of engines before. */
export async function removeBindPlaces(run: string, monitors: readonly number[]): Promise<void> {
  const folder = path.join(await fs.realpath(run), PLACES);
  const isOurs = (target: string): boolean => target.startsWith(`${folder}/`);
  for (const pid of monitors) unmountCopiesElsewhere(pid, isOurs);
  for (const name of await fs.readdir(folder).catch(() => [])) removePlace(path.join(folder, name));
}

/** Never with what is in it: that may be the host's. */
function removePlace(place: string): void {
  try {
    if (lstatSync(place).isDirectory()) rmdirSync(place);
    else unlinkSync(place);
  } catch {
    // The next start tries again.
  }
}

/** Something to mount on: of an earlier start there may be one of the other kind. */
export async function makePlace(place: string, folder: boolean): Promise<void> {
  const make = (): Promise<unknown> => (folder ? fs.mkdir(place) : fs.writeFile(place, '', { flag: 'wx' }));
  try {
    await make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') removePlace(place);
    else if (code === 'ENOENT') await fs.mkdir(path.dirname(place), { recursive: true });
    else throw error;
    await make();
  }
}

async function openSource(host: HostMounts, mount: BindWish): Promise<fs.FileHandle> {
  try {
    return await openOnHost(host, mount.source);
  } catch (error) {
    refuseMissing(mount, error);
    await make(mount, () => makeFolderOnHost(host, mount.source));
    return openOnHost(host, mount.source);
  }
}

function refuseMissing(mount: BindWish, error: unknown): void {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT' && mount.createSource) return;
  throw new Failure('invalidParameter', `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`);
}

async function make(mount: BindWish, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // Go's words, and the client's name of it.
    const why = code === 'EEXIST' ? 'file exists' : messageOf(cause).replace(/^E[A-Z0-9]+: |, \w+ '.*'$/g, '');
    throw new Failure('system', `error while creating mount source path '${mount.source}': mkdir ${mount.source}: ${why}`, { cause });
  }
}
