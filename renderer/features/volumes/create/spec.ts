import type { VolumeCreateRequest } from '../../../../helper/contract/docker/index.ts';
import { namePattern } from '../../../lib/names.ts';
import { pairsOf, quoteWord } from '../../../lib/words.ts';
import type { Pair } from '../../../ui/PairRows.tsx';
import type { VolumeKind } from '../row.ts';

/** What the form edits, as typed. Which fields count depends on `kind`. */
export interface VolumeSpec {
  /** Empty: the engine chooses one. */
  name: string;
  kind: VolumeKind;
  /** tmpfs: as mount takes it, `64m`; empty: half of the memory. */
  size: string;
  /** folder: a path on the host. */
  folder: string;
  /** nfs */
  server: string;
  path: string;
  /** What mount takes besides: `mode=1770`, `nfsvers=4,ro`. */
  mountOptions: string;
  /** other */
  driver: string;
  options: Pair[];
  labels: Pair[];
}

export const emptyVolume: VolumeSpec = {
  name: '',
  kind: 'plain',
  size: '',
  folder: '',
  server: '',
  path: '',
  mountOptions: '',
  driver: '',
  options: [],
  labels: [],
};

const joined = (...parts: string[]): string => parts.filter(Boolean).join(',');

/** Options of the driver, in the order in which the command names them. Source: docs.docker.com, docker volume create, driver-specific options. */
function optionsOf({ kind, size, folder, server, path, mountOptions, options }: VolumeSpec): [string, string][] {
  const more = mountOptions.trim();
  switch (kind) {
    case 'plain':
      return [];
    case 'tmpfs': {
      const o = joined(size && `size=${size}`, more);
      return [['type', 'tmpfs'], ['device', 'tmpfs'], ...(o ? [['o', o] as [string, string]] : [])];
    }
    case 'folder':
      return [
        ['type', 'none'],
        ['device', folder],
        ['o', joined('bind', more)],
      ];
    case 'nfs':
      return [
        ['type', 'nfs'],
        ['device', `:${path}`],
        ['o', joined(`addr=${server}`, more)],
      ];
    case 'other':
      return pairsOf(options);
  }
}

const driverOf = ({ kind, driver }: VolumeSpec): string => (kind === 'other' ? driver.trim() : 'local');

export function createRequest(spec: VolumeSpec): VolumeCreateRequest {
  const options = optionsOf(spec);
  const labels = pairsOf(spec.labels);
  return {
    ...(spec.name && { Name: spec.name }),
    Driver: driverOf(spec) || 'local',
    ...(options.length > 0 && { DriverOpts: Object.fromEntries(options) }),
    ...(labels.length > 0 && { Labels: Object.fromEntries(labels) }),
  };
}

/** The `docker volume create` that does the same, cut where a line may end. */
export function createLines(spec: VolumeSpec): string[] {
  const driver = driverOf(spec);
  return [
    'docker volume create',
    ...(driver !== 'local' ? [`--driver ${quoteWord(driver)}`] : []),
    ...optionsOf(spec).map(([name, value]) => `--opt ${quoteWord(`${name}=${value}`)}`),
    ...pairsOf(spec.labels).map(([name, value]) => `--label ${quoteWord(value ? `${name}=${value}` : name)}`),
    ...(spec.name ? [spec.name] : []),
  ];
}

/** Field → the key of a text under `volumeCreate.`. Fields of rows are `options.0`, `labels.1`. */
export type Problems = Partial<Record<string, string>>;

/** What is wrong before the engine is asked. @param taken names on that host: an engine would answer as if it had made them */
export function problemsOf(spec: VolumeSpec, taken: string[]): Problems {
  const { kind, name, size, folder, server, path, driver } = spec;
  const problems: Problems = {};
  if (name && !namePattern.test(name)) problems.name = 'nameInvalid';
  else if (name && taken.includes(name)) problems.name = 'nameTaken';
  if (kind === 'tmpfs' && size && !/^\d+[kmg]?$/.test(size)) problems.size = 'sizeInvalid';
  if (kind === 'folder' && !folder.startsWith('/')) problems.folder = folder ? 'folderInvalid' : 'folderMissing';
  if (kind === 'nfs' && !server) problems.server = 'serverMissing';
  if (kind === 'nfs' && !path.startsWith('/')) problems.path = path ? 'pathInvalid' : 'pathMissing';
  if (kind === 'other' && !driver.trim()) problems.driver = 'driverMissing';
  for (const list of ['options', 'labels'] as const)
    if (list === 'labels' || kind === 'other')
      for (const [i, pair] of spec[list].entries()) if (!pair.name.trim() && pair.value) problems[`${list}.${i}`] = 'pairMissing';
  return problems;
}
