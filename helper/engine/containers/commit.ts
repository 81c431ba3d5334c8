import path from 'node:path';
import type { Readable } from 'node:stream';
import type { ContainerConfig, ContainerCreateRequest } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import { applyChanges, familiarReference } from '../images/index.ts';
import { nowInstant } from '../instant.ts';
import { differences } from './changes.ts';
import type { Container } from './container.ts';
import { cgroupsPath, type Engine, emit } from './engine.ts';
import { completeConfig, mergeConfig } from './merge-config.ts';
import { packTree } from './tree/pack.ts';
import { find } from './tree/walk.ts';

export interface CommitOptions {
  repository?: string;
  tag?: string;
  comment: string;
  author: string;
  pause: boolean;
  changes: string[];
  config?: ContainerCreateRequest;
}

/** The container's own layer: its upper folder, with overlayfs' deletions as a layer writes them. None where nothing was changed. */
async function layerOf(engine: Engine, container: Container, signal: AbortSignal): Promise<Readable | undefined> {
  const { paths } = await differences(engine, container);
  if (paths.length === 0) return undefined;
  const tree = {
    root: path.join(engine.store.folder(container.id), 'upper'),
    mounts: new Map<string, string>(),
    hidden: new Set<string>(),
  };
  const place = await find(tree, '/');
  return packTree(place, { tree, name: '', signal, upper: { only: paths } }, () => undefined);
}

/** POST /commit. With `pause` the processes are frozen while their files are read. @returns the image's id */
export async function commit(engine: Engine, reference: string, options: CommitOptions): Promise<{ Id: string }> {
  const container = engine.store.get(reference);
  if (container.state.status === 'removing')
    throw new Failure('conflict', `You cannot commit container ${container.id} which is being removed`);
  const parent = container.imageId ? await engine.images.resolve(container.imageId) : undefined;
  // What the changes leave empty is the container's again.
  const changed = applyChanges(options.config ? withoutHost(options.config) : container.config, options.changes);
  const config = completeConfig(mergeConfig(changed, container.config), '');
  const abort = new AbortController();
  const frozen =
    options.pause &&
    container.state.status === 'running' &&
    !container.state.paused &&
    (await ifRunning(engine.cgroups.freeze(cgroupsPath(engine, container))));
  if (frozen) emit(engine, container, 'pause');
  try {
    const created = nowInstant();
    const layer = await layerOf(engine, container, abort.signal);
    const id = await engine.images.create(
      {
        ...(parent ? { parent } : {}),
        ...(layer ? { layer } : {}),
        config: {
          ...(parent?.config ?? {}),
          architecture:
            parent?.config.architecture ?? ({ x64: 'amd64', ia32: '386' } as Record<string, string>)[process.arch] ?? process.arch,
          os: container.os,
          created,
          author: options.author,
          config,
          container: container.id,
          comment: options.comment,
          history: [
            ...(parent?.config.history ?? []),
            {
              created,
              // As in dockerd the command alone, without an entrypoint.
              created_by: (container.config.Cmd ?? []).join(' '),
              ...(options.author ? { author: options.author } : {}),
              ...(options.comment ? { comment: options.comment } : {}),
              ...(layer ? {} : { empty_layer: true }),
            },
          ],
        },
        ...(options.repository ? { repository: options.repository } : {}),
        ...(options.tag ? { tag: options.tag } : {}),
      },
      abort.signal,
    );
    emit(engine, container, 'commit', {
      comment: options.comment,
      imageID: id,
      ...(options.repository ? { imageRef: familiarReference(options.repository, options.tag) } : {}),
    });
    return { Id: id };
  } finally {
    abort.abort();
    if (frozen) {
      await ifRunning(engine.cgroups.thaw(cgroupsPath(engine, container)));
      emit(engine, container, 'unpause');
    }
  }
}

/** @returns whether the container's cgroup was still there; without processes its files lie still as well */
async function ifRunning(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    // ENODEV: it went between the opening of its file and the write.
    if (['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function withoutHost(request: ContainerCreateRequest): ContainerConfig {
  const { HostConfig: _host, NetworkingConfig: _network, ...config } = request;
  return config;
}
