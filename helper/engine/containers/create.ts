import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import type { ContainerCreateRequest, EndpointSettings, HostConfig } from '../../contract/docker/index.ts';
import { Failure, isFailure } from '../failure.ts';
import type { ResolvedImage } from '../images/types.ts';
import { nowInstant } from '../instant.ts';
import { type Undo, withUndo } from '../undo.ts';
import { type Container, enliven, sharedWith } from './container.ts';
import { type Engine, emit } from './engine.ts';
import { completeHostConfig } from './host-config.ts';
import { pinLinks } from './links.ts';
import { commandOf, completeConfig, mergeConfig } from './merge-config.ts';
import { type MountRecord, parseVolumesFrom, planMounts } from './mount-parse.ts';
import { checkName, randomName } from './names.ts';
import { onHost } from './on-host.ts';
import { populateVolumes } from './populate.ts';
import { holdRootfs, releaseRootfs } from './rootfs-mount.ts';
import { oomScoreWarning } from './spec/oom-score.ts';
import { FRESH } from './state.ts';
import { limitStorage } from './storage-size.ts';
import type { CreateOptions, PreparedContainer } from './types.ts';
import { hostName, validateConfig, validateEndpoints, validateHostConfig } from './validate.ts';
import { forwardingWarning, hostCapacity, validateResources } from './validate-resources.ts';
import { hasWorkingDirectory, makeWorkingDirectory } from './working-directory.ts';

const NAME_ATTEMPTS = 6;

/** `container:NAME` modes keep the id, so that a rename of the other container breaks nothing. */
function pinShared(engine: Engine, host: HostConfig): void {
  for (const field of ['NetworkMode', 'IpcMode', 'PidMode'] as const) {
    const other = sharedWith(host[field]);
    if (other === undefined) continue;
    const found = engine.store.find(other);
    if (found) host[field] = `container:${found.id}`;
    // A network's owner may still come; of the others dockerd wants the labels now. (A 404 would mean the image to clients.)
    else if (field !== 'NetworkMode') throw new Failure('invalidParameter', `No such container: ${other}`);
  }
}

/** Networks to join: those named, and the one of the network mode. */
function endpointsOf(host: HostConfig, asked: Record<string, EndpointSettings>, mac: string | undefined): Record<string, EndpointSettings> {
  const mode = host.NetworkMode ?? 'bridge';
  if (sharedWith(mode) !== undefined) return {};
  const endpoints: Record<string, EndpointSettings> = {};
  for (const [name, settings] of Object.entries(asked)) endpoints[name === 'default' ? 'bridge' : name] = settings;
  // Who names networks gets these alone: the mode's is one of them, or left out.
  if (Object.keys(endpoints).length === 0 || mode === 'host' || mode === 'none') endpoints[mode] ??= {};
  // The mode may be the id of the one network that is named (Watchtower asks so).
  const [only = mode] = Object.keys(endpoints);
  const main = mode in endpoints ? mode : only;
  if (mac && !endpoints[main]?.MacAddress) endpoints[main] = { ...endpoints[main], MacAddress: mac };
  return endpoints;
}

async function checkBindSources(engine: Engine, mounts: readonly MountRecord[]): Promise<void> {
  for (const mount of mounts) {
    if (mount.type !== 'bind' || mount.createSource) continue;
    try {
      await fs.stat(await onHost(engine, mount.source));
    } catch {
      throw new Failure('invalidParameter', `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`);
    }
  }
}

function reserve(engine: Engine, asked: string | undefined, id: string): string {
  if (asked) {
    const name = checkName(asked);
    engine.store.reserveName(name, id);
    return name;
  }
  for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt += 1) {
    const name = randomName(attempt);
    if (engine.store.nameTaken(name)) continue;
    engine.store.reserveName(name, id);
    return name;
  }
  const name = id.slice(0, 12);
  engine.store.reserveName(name, id);
  return name;
}

/** Which images are mounted, in place. @throws Failure notFound */
async function findImages(engine: Engine, mounts: MountRecord[]): Promise<void> {
  for (const mount of mounts) {
    if (mount.type === 'image') mount.imageId = (await engine.images.resolve(mount.name ?? '')).id;
  }
}

/** Makes the volumes of a plan, in place, and records the container as their user. @param made gets the names of new ones */
async function makeVolumes(engine: Engine, id: string, mounts: MountRecord[], made: string[]): Promise<void> {
  for (const mount of mounts) {
    if (mount.type !== 'volume') continue;
    const volume = await engine.volumes.acquire(mount.name, id, {
      ...(mount.driver ? { driver: mount.driver } : {}),
      ...(mount.driverOpts ? { driverOpts: mount.driverOpts } : {}),
      ...(mount.labels ? { labels: mount.labels } : {}),
    });
    if (volume.created) made.push(volume.name);
    // One of another container's is shown without a mode, as dockerd does.
    const own = mount.source === '';
    mount.name = volume.name;
    mount.source = volume.path;
    mount.driver ??= 'local';
    if (own && !mount.anonymous && mount.mode === '') mount.mode = 'z';
  }
}

/**
 * POST /containers/create. Everything that can be known to fail is refused here, so that a container that exists can start.
 * Durable when it resolves; nothing is left when it throws.
 */
export async function create(
  engine: Engine,
  name: string | undefined,
  request: ContainerCreateRequest,
  options: CreateOptions,
): Promise<{ Id: string; Warnings: string[] }> {
  const { HostConfig: givenHost = {}, NetworkingConfig: _, ...givenConfig } = request;
  const config = engine.context.config;
  validateConfig(givenConfig);
  const warnings = validateHostConfig(givenConfig, givenHost, [...engine.runtimes.keys()]);
  const endpoints = validateEndpoints(request);
  const { version: cgroups } = engine.cgroups;
  const cgroupnsMode = cgroups === 1 ? (options.cgroupnsOnV1 ?? config.cgroupnsMode) : config.cgroupnsMode;
  const host = completeHostConfig(givenHost, { ...config, ...(cgroupnsMode ? { cgroupnsMode } : {}) }, cgroups);
  warnings.unshift(
    ...validateResources(host, engine.cgroups.features(), hostCapacity(), false),
    ...forwardingWarning(host),
    ...oomScoreWarning(host.OomScoreAdj ?? 0),
  );
  if (name) checkName(name);

  const image = givenConfig.Image ? await engine.images.resolve(givenConfig.Image, options.platform) : undefined;
  const merged = mergeConfig(givenConfig, image?.config.config);
  const command = commandOf(merged);
  pinShared(engine, host);
  pinLinks(engine, host);

  const { prepared } = options;
  const id = prepared?.id ?? newContainerId();
  return withUndo(async (undo) => {
    const reserved = reserve(engine, name, id);
    undo.add('name', () => engine.store.releaseName(reserved, id));
    const joined = merged.NetworkDisabled ? {} : endpointsOf(host, endpoints, merged.MacAddress);
    await checkEndpoints(engine, joined);
    const container = enliven({
      schema: 1,
      id,
      name: reserved,
      created: nowInstant(),
      ...command,
      config: completeConfig(merged, hostName(host, id)),
      hostConfig: host,
      imageId: image?.id ?? '',
      imageRef: givenConfig.Image ?? '',
      os: image?.config.os ?? 'linux',
      chain: image?.chain ?? [],
      mounts: withPrepared(prepared, {
        from: volumesFrom(engine, host),
        binds: host.Binds ?? [],
        mounts: host.Mounts ?? [],
        tmpfs: Object.keys(host.Tmpfs ?? {}),
        volumes: Object.keys(merged.Volumes ?? {}),
        ...(host.VolumeDriver ? { volumeDriver: host.VolumeDriver } : {}),
        dataFolder: engine.context.paths.data,
        ...(options.flatReadOnly ? { flatReadOnly: true } : {}),
      }),
      endpoints: joined,
      restartCount: 0,
      lastDelayMs: 0,
      stoppedByUser: false,
      everStarted: false,
      state: FRESH,
      network: undefined,
      apparmorProfile: '',
      bootId: engine.store.bootId,
    });
    await settle(engine, container, image, undo, prepared);
    engine.store.add(container);
    emit(engine, container, 'create');
    return { Id: id, Warnings: warnings };
  });
}

export const newContainerId = (): string => randomBytes(32).toString('hex');

/** Anonymous volumes that are there already lie where they belong. */
function withPrepared(prepared: PreparedContainer | undefined, wanted: Parameters<typeof planMounts>[0]): MountRecord[] {
  const mounts = planMounts(wanted);
  for (const mount of mounts) {
    const name = mount.type === 'volume' && mount.anonymous ? prepared?.anonymous[mount.destination] : undefined;
    if (name) mount.name = name;
    // Its content is what was copied, also where that is nothing.
    if (prepared) mount.copy = false;
  }
  return mounts;
}

function volumesFrom(engine: Engine, host: HostConfig): { mounts: readonly MountRecord[]; readOnly: boolean }[] {
  return (host.VolumesFrom ?? []).map((spec) => {
    const { container, readOnly } = parseVolumesFrom(spec);
    const source = engine.store.find(container);
    if (!source) throw new Failure('invalidParameter', `No such container: ${container}`);
    return { mounts: source.mounts, readOnly };
  });
}

/** The writable layer, with its limit. Programs tell by /.dockerenv that they run in a container. */
async function makeWritable(engine: Engine, { id, hostConfig }: Container, prepared: PreparedContainer | undefined): Promise<void> {
  const [upper, work] = ['upper', 'work'].map((name) => path.join(engine.store.folder(id), name)) as [string, string];
  await Promise.all([
    prepared ? fs.rename(prepared.upper, upper) : fs.mkdir(upper, { mode: 0o755 }),
    // overlayfs makes files here and renames them, so one limit is for both.
    fs.mkdir(work, { mode: 0o700 }),
  ]);
  limitStorage(engine, hostConfig, [upper, work]);
  if (!prepared) await fs.writeFile(path.join(upper, '.dockerenv'), '', { mode: 0o755 });
}

/** Takes hold of layers and volumes, makes the folders and writes the record. */
async function settle(
  engine: Engine,
  container: Container,
  image: ResolvedImage | undefined,
  undo: Undo,
  prepared: PreparedContainer | undefined,
): Promise<void> {
  const { id, mounts } = container;
  await checkBindSources(engine, mounts);
  const folder = engine.store.folder(id);
  await fs.mkdir(folder, { mode: 0o710 });
  // container.json comes last: a folder without it is half-created, and cleared away at the next start.
  undo.add('folder', () => engine.store.remove(container));
  const needsVolumes = mounts.some((mount) => mount.type === 'volume');
  undo.add('layers', () => engine.images.releaseLayers(id));
  await Promise.all([
    makeWritable(engine, container, prepared),
    // Held until the container is removed: layers must not go when the image is removed by force.
    image ? engine.images.acquireLayers(container.chain, id) : undefined,
  ]);
  await findImages(engine, mounts);
  if (needsVolumes) {
    const made: string[] = [];
    undo.add('new volumes', () => Promise.all(made.map((name) => engine.volumes.remove(name, true))));
    undo.add('volumes', () => engine.volumes.release(id, true));
    try {
      await makeVolumes(engine, id, mounts, made);
    } catch (error) {
      // A bad volume name is a fault of the request.
      throw isFailure(error) ? error : new Failure('system', error instanceof Error ? error.message : String(error));
    }
  }
  const copies = mounts.some((mount) => mount.type === 'volume' && mount.copy);
  if (copies || (hasWorkingDirectory(container.config.WorkingDir) && !prepared)) {
    const root = await holdRootfs(engine, container, 'create');
    try {
      // Before the first start, too, `docker cp` finds it there.
      if (!prepared) await makeWorkingDirectory(root, container.config.WorkingDir);
      if (copies) await populateVolumes(engine, container);
    } finally {
      releaseRootfs(engine, container, 'create');
    }
  }
  await engine.store.save(container);
}

/** @throws Failure invalidParameter that names the network */
async function checkEndpoints(engine: Engine, endpoints: Record<string, EndpointSettings>): Promise<void> {
  for (const [network, settings] of Object.entries(endpoints)) {
    try {
      await engine.networks.validate({ networkMode: network, endpoints: { [network]: settings } });
    } catch (cause) {
      if (!isFailure(cause, 'invalidParameter')) throw cause;
      throw new Failure('invalidParameter', `invalid config for network ${network}: ${cause.message}`, { cause });
    }
  }
}
