import path from 'node:path';
import type { MountRequest } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import { watchData } from './data-folder.ts';

/** A place in the container's tree that is not its own rootfs, as it is kept with the container. */
export interface MountRecord {
  type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** Volume's name (undefined in a plan: anonymous, not made yet), or the image reference. */
  name?: string;
  /** Of a mounted image, since it was found at create: it stays while the container does. */
  imageId?: string;
  /** Host path; of a volume its data, once it is made. Empty for tmpfs. */
  source: string;
  destination: string;
  driver?: string;
  driverOpts?: Record<string, string>;
  labels?: Record<string, string>;
  /** As the user wrote it, for inspect. */
  mode: string;
  rw: boolean;
  propagation: string;
  /** Copy-up from the image into an empty volume. */
  copy: boolean;
  /** `-v` makes a missing source folder, `--mount` refuses it. */
  createSource: boolean;
  nonRecursive: boolean;
  readOnly?: 'recursive' | 'force-recursive' | 'flat';
  subpath?: string;
  /** mount(8) options of a tmpfs. */
  tmpfsOptions?: string[];
  anonymous: boolean;
  /** An anonymous volume of another container: the last of its users takes it away (`rm -v`). */
  borrowed?: boolean;
}

const PROPAGATIONS = new Set(['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared']);
const CONSISTENCIES = new Set(['consistent', 'cached', 'delegated']);
const DEFAULT_PROPAGATION = 'rprivate';

const invalid = (message: string): Failure => new Failure('invalidParameter', message);

const clean = (name: string): string => {
  const normal = path.posix.normalize(name);
  return normal.length > 1 ? normal.replace(/\/+$/, '') : normal;
};

function checkTarget(target: string): string | undefined {
  if (clean(target) === '/') return "invalid specification: destination can't be '/'";
  if (!target.startsWith('/')) return `invalid mount path: '${target}' mount path must be absolute`;
  return undefined;
}

/** `HostConfig.Tmpfs` keys. @throws Failure invalidParameter */
export function checkTmpfsTarget(target: string): void {
  const problem = checkTarget(target);
  if (problem) throw invalid(problem);
}

/** Whether `mode` (`ro,z,rslave`) is one: known words, at most one of a kind. */
export function isMountMode(mode: string): boolean {
  if (mode === '') return true;
  const seen = new Set<string>();
  for (const word of mode.split(',')) {
    const kind =
      word === 'ro' || word === 'rw'
        ? 'access'
        : word === 'z' || word === 'Z'
          ? 'label'
          : PROPAGATIONS.has(word)
            ? 'propagation'
            : word === 'nocopy'
              ? 'copy'
              : CONSISTENCIES.has(word)
                ? 'consistency'
                : undefined;
    if (kind === undefined || seen.has(kind)) return false;
    seen.add(kind);
  }
  return true;
}

const blank = (type: MountRecord['type'], destination: string): MountRecord => ({
  type,
  source: '',
  destination: clean(destination),
  mode: '',
  rw: true,
  propagation: '',
  copy: false,
  createSource: false,
  nonRecursive: false,
  anonymous: false,
});

/**
 * One entry of `HostConfig.Binds`: `source:destination[:mode]`, source a host path or a volume's name. Pure.
 * @throws Failure invalidParameter, in dockerd's words
 */
export function parseBind(raw: string, volumeDriver?: string): MountRecord {
  const parts = raw.split(':');
  const wrong = (detail?: string): Failure => invalid(`invalid volume specification: '${raw}'${detail ? `: ${detail}` : ''}`);
  if (!parts[0] || parts.length > 3) throw wrong();
  let source = '';
  let target = parts[0];
  let mode = '';
  if (parts.length === 2) {
    if (isMountMode(parts[1] ?? '')) throw wrong();
    source = parts[0];
    target = parts[1] ?? '';
  } else if (parts.length === 3) {
    source = parts[0];
    target = parts[1] ?? '';
    mode = parts[2] ?? '';
  }
  if (!isMountMode(mode)) throw invalid(`invalid mode: ${mode}`);
  const words = mode === '' ? [] : mode.split(',');
  const type = source.startsWith('/') ? 'bind' : 'volume';
  const problem = target === '' ? 'field Target must not be empty' : checkTarget(target);
  if (problem) throw wrong(`invalid mount config for type "${type}": ${problem}`);
  const propagation = words.find((word) => PROPAGATIONS.has(word));
  if (propagation && type === 'volume') throw wrong('invalid mount config for type "volume": field BindOptions must not be specified');
  const record = blank(type, target);
  record.mode = mode;
  record.rw = !words.includes('ro');
  if (type === 'bind') {
    if (words.includes('nocopy')) throw wrong('invalid mount config for type "bind": field VolumeOptions must not be specified');
    record.source = clean(source);
    record.propagation = propagation ?? DEFAULT_PROPAGATION;
    record.createSource = true;
    if (!record.rw) record.readOnly = 'recursive';
  } else {
    if (source !== '') record.name = source;
    record.anonymous = source === '';
    record.copy = !words.includes('nocopy');
    if (volumeDriver) record.driver = volumeDriver;
  }
  return record;
}

/** `size`, `mode`, `exec` of a tmpfs as mount(8) options. @throws Failure invalidParameter */
function tmpfsOptions(mount: MountRequest, fail: (detail: string) => Failure): string[] {
  const options: string[] = [];
  if (mount.ReadOnly) options.push('ro');
  if (mount.TmpfsOptions?.Mode) options.push(`mode=${mount.TmpfsOptions.Mode.toString(8)}`);
  const size = mount.TmpfsOptions?.SizeBytes ?? 0;
  if (size < 0) throw fail('invalid negative size for tmpfs');
  if (size > 0) {
    const unit = (['g', 'm', 'k'] as const).find((_, index) => size % 1024 ** (3 - index) === 0);
    options.push(`size=${unit ? size / 1024 ** { g: 3, m: 2, k: 1 }[unit] : size}${unit ?? ''}`);
  }
  for (const option of mount.TmpfsOptions?.Options ?? []) {
    if (option.length < 1 || option.length > 2) throw fail('invalid option array length');
    if (option[0] !== 'exec' && option[0] !== 'noexec') throw fail(`invalid option: ${option[0]}`);
    options.push(option.join('='));
  }
  return options;
}

const isLocal = (name: string): boolean => !name.startsWith('/') && !path.posix.normalize(name).split('/').includes('..');

/**
 * One entry of `HostConfig.Mounts`. Whether a bind's source exists is for the caller to see. Pure.
 * @throws Failure invalidParameter `invalid mount config for type "…": …`
 */
export function parseMount(mount: MountRequest): MountRecord {
  const type = mount.Type ?? '';
  const fail = (detail: string): Failure => invalid(`invalid mount config for type "${type}": ${detail}`);
  const extra: [string, unknown, string][] = [
    ['BindOptions', mount.BindOptions, 'bind'],
    ['VolumeOptions', mount.VolumeOptions, 'volume'],
    ['ImageOptions', mount.ImageOptions, 'image'],
    ['TmpfsOptions', mount.TmpfsOptions, 'tmpfs'],
  ];
  for (const [field, value, owner] of extra) {
    if (value && type !== owner) throw fail(`field ${field} must not be specified`);
  }
  const target = mount.Target ?? '';
  if (target === '') throw fail('field Target must not be empty');
  const problem = checkTarget(target);
  if (problem) throw fail(problem);
  const source = mount.Source ?? '';
  switch (type) {
    case 'bind': {
      if (source === '') throw fail('field Source must not be empty');
      const propagation = mount.BindOptions?.Propagation || DEFAULT_PROPAGATION;
      if (!PROPAGATIONS.has(propagation)) throw fail(`invalid propagation mode: ${propagation}`);
      if (!source.startsWith('/')) throw fail(`invalid mount path: '${source}' mount path must be absolute`);
      const record = blank('bind', target);
      record.source = clean(source);
      record.rw = !mount.ReadOnly;
      record.propagation = propagation;
      record.createSource = mount.BindOptions?.CreateMountpoint ?? false;
      record.nonRecursive = mount.BindOptions?.NonRecursive ?? false;
      if (mount.ReadOnly) {
        if (mount.BindOptions?.ReadOnlyNonRecursive && mount.BindOptions.ReadOnlyForceRecursive) {
          throw fail('mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive');
        }
        record.readOnly = mount.BindOptions?.ReadOnlyNonRecursive
          ? 'flat'
          : mount.BindOptions?.ReadOnlyForceRecursive
            ? 'force-recursive'
            : 'recursive';
      }
      return record;
    }
    case 'volume': {
      const options = mount.VolumeOptions;
      if (options?.Subpath) {
        if (source === '') throw fail('must not set Subpath when using anonymous volumes');
        if (!isLocal(options.Subpath)) throw fail('subpath must be a relative path within the volume');
      }
      const record = blank('volume', target);
      if (source !== '') record.name = source;
      record.anonymous = source === '';
      record.rw = !mount.ReadOnly;
      // Shown also for an anonymous one, where `-v /path` shows none.
      record.mode = 'z';
      record.copy = !options?.NoCopy;
      if (options?.DriverConfig?.Name) record.driver = options.DriverConfig.Name;
      if (options?.DriverConfig?.Options) record.driverOpts = options.DriverConfig.Options;
      if (options?.Labels) record.labels = options.Labels;
      if (options?.Subpath) record.subpath = options.Subpath;
      return record;
    }
    case 'tmpfs': {
      if (source !== '') throw fail('field Source must not be specified');
      const record = blank('tmpfs', target);
      record.rw = !mount.ReadOnly;
      record.tmpfsOptions = tmpfsOptions(mount, fail);
      return record;
    }
    case 'image': {
      if (source === '') throw fail('field Source must not be empty');
      if (mount.ImageOptions?.Subpath && !isLocal(mount.ImageOptions.Subpath))
        throw fail('subpath must be a relative path within the volume');
      const record = blank('image', target);
      record.name = source;
      record.rw = false;
      record.propagation = DEFAULT_PROPAGATION;
      if (mount.ImageOptions?.Subpath) record.subpath = mount.ImageOptions.Subpath;
      return record;
    }
    default:
      throw fail('mount type unknown');
  }
}

/** `container[:mode]` of `--volumes-from`. @throws Failure invalidParameter */
export function parseVolumesFrom(spec: string): { container: string; readOnly: boolean } {
  if (spec === '') throw invalid('volumes-from specification cannot be an empty string');
  const colon = spec.indexOf(':');
  const mode = colon < 0 ? '' : spec.slice(colon + 1);
  const words = mode.split(',');
  if (!isMountMode(mode) || words.some((word) => PROPAGATIONS.has(word) || word === 'nocopy')) throw invalid(`invalid mode: ${mode}`);
  return { container: colon < 0 ? spec : spec.slice(0, colon), readOnly: words.includes('ro') };
}

/**
 * All of a container's mounts, in dockerd's order of precedence: other containers' volumes, binds, mounts, and last the anonymous
 * volumes of the image and of `-v /path`, where nothing else lies. Volumes are not made yet. Pure.
 * @param from mounts of the containers named by VolumesFrom, each with its `ro`
 * @throws Failure invalidParameter `Duplicate mount point: /x`
 */
export function planMounts(wanted: {
  from: { mounts: readonly MountRecord[]; readOnly: boolean }[];
  binds: readonly string[];
  mounts: readonly MountRequest[];
  tmpfs: readonly string[];
  volumes: readonly string[];
  volumeDriver?: string;
  /** The engine's folder. */
  dataFolder: string;
  /** Read-only binds leave what is mounted below them writable, as before API 1.44. */
  flatReadOnly?: boolean;
}): MountRecord[] {
  const places = new Map<string, MountRecord>();
  for (const { mounts, readOnly } of wanted.from) {
    for (const mount of mounts) {
      const borrowed = mount.anonymous || mount.borrowed;
      places.set(mount.destination, {
        ...mount,
        mode: '',
        rw: mount.rw && !readOnly,
        copy: false,
        anonymous: false,
        ...(borrowed ? { borrowed } : {}),
      });
    }
  }
  const asked = new Set<string>();
  const tmpfs = new Set(wanted.tmpfs.map(clean));
  const put = (record: MountRecord, shown: string): void => {
    if (asked.has(record.destination)) throw invalid(`Duplicate mount point: ${shown}`);
    asked.add(record.destination);
    if (wanted.flatReadOnly && record.readOnly === 'recursive') record.readOnly = 'flat';
    places.set(record.destination, record);
  };
  for (const raw of wanted.binds) {
    const record = parseBind(raw, wanted.volumeDriver);
    if (tmpfs.has(record.destination)) throw invalid(`Duplicate mount point: ${record.destination}`);
    const propagation = record.mode.split(',').find((word) => PROPAGATIONS.has(word));
    watchData(record, propagation, wanted.dataFolder);
    put(record, record.destination);
  }
  for (const mount of wanted.mounts) {
    const record = parseMount(mount);
    watchData(record, mount.BindOptions?.Propagation, wanted.dataFolder);
    put(record, mount.Target ?? '');
  }
  for (const volume of wanted.volumes) {
    // An image may say `VOLUME data`, and means a place below its root.
    const destination = clean(`/${volume}`);
    if (places.has(destination) || tmpfs.has(destination)) continue;
    const problem = checkTarget(destination);
    if (problem) throw invalid(problem);
    const record = blank('volume', destination);
    record.anonymous = true;
    record.copy = true;
    if (wanted.volumeDriver) record.driver = wanted.volumeDriver;
    places.set(destination, record);
  }
  return [...places.values()];
}

const TMPFS_FLAGS: Record<string, string> = {
  ro: 'rw',
  nosuid: 'suid',
  nodev: 'dev',
  noexec: 'exec',
  sync: 'async',
  noatime: 'atime',
  nodiratime: 'diratime',
  relatime: 'norelatime',
  strictatime: 'nostrictatime',
  mand: 'nomand',
};
const OPPOSITE = new Map(Object.entries(TMPFS_FLAGS).flatMap(([on, off]) => [[on, off] as const, [off, on] as const]));
const TMPFS_DATA = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol']);

const quoted = (text: string): string => JSON.stringify(text);

/** `a=b=c` → a, b=c */
function cut(option: string): string[] {
  const equals = option.indexOf('=');
  return equals < 0 ? [option] : [option.slice(0, equals), option.slice(equals + 1)];
}

/**
 * Docker's defaults for a tmpfs (noexec, nosuid, nodev), overridden by the user's options, the last of a kind winning. Pure.
 * @throws Failure invalidParameter `invalid tmpfs option ["a" "b"]`
 */
export function mergeTmpfsOptions(given: readonly string[]): string[] {
  const flags = new Map<string, string>();
  const data = new Map<string, string>();
  for (const option of ['noexec', 'nosuid', 'nodev', DEFAULT_PROPAGATION, ...given]) {
    if (option === '') continue;
    const opposite = OPPOSITE.get(option);
    const key = option.split('=')[0] ?? '';
    if (opposite !== undefined) {
      flags.delete(opposite);
      flags.set(option, option);
    } else if (PROPAGATIONS.has(option)) flags.set('propagation', option);
    else if (option.includes('=') && TMPFS_DATA.has(key)) data.set(key, option);
    else throw invalid(`invalid tmpfs option [${cut(option).map(quoted).join(' ')}]`);
  }
  return [...flags.values(), ...data.values()];
}

/** Shallow destinations before those inside of them. */
export function byDepth<T extends { destination: string }>(mounts: readonly T[]): T[] {
  const depth = (mount: T): number => mount.destination.split('/').length;
  return [...mounts].sort((a, b) => depth(a) - depth(b));
}
