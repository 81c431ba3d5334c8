import type { ContainerStatus } from '../../contract/docker/index.ts';
import type { Filters } from '../events/types.ts';
import { Failure } from '../failure.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { endpointsView, portSummary } from './network-view.ts';
import { isRunning, statusWord } from './state.ts';

export interface ListFilter {
  before: Container | undefined;
  since: Container | undefined;
  status: readonly string[] | undefined;
  tests: ((container: Container) => boolean)[];
}

const KNOWN = new Set(
  'ancestor before exited id isolation label name status health since volume network is-task publish expose'.split(' '),
);
const STATUSES: ContainerStatus[] = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];
const HEALTHS = ['none', 'starting', 'healthy', 'unhealthy'];

const invalid = (message: string): Failure => new Failure('invalidParameter', message);

/** `key=value` or `key`, each of which must be there. */
export function labelsMatch(wanted: readonly string[], labels: Record<string, string>): boolean {
  return wanted.every((entry) => {
    const equals = entry.indexOf('=');
    const key = equals < 0 ? entry : entry.slice(0, equals);
    if (!Object.hasOwn(labels, key)) return false;
    return equals < 0 || labels[key] === entry.slice(equals + 1);
  });
}

/** Regular expressions as dockerd takes them (unanchored); what is no regular expression is a plain part of the name. */
function pattern(text: string): (value: string) => boolean {
  try {
    const expression = new RegExp(text);
    return (value) => expression.test(value);
  } catch {
    return (value) => value.includes(text);
  }
}

/** The container whose id begins so; none, when several do. */
function onlyOne(engine: Engine, prefix: string): Container | undefined {
  const [found, more] = [...engine.store.all()].filter(({ id }) => id.startsWith(prefix));
  return prefix === '' || more ? undefined : found;
}

function portNumber(text: string, refuse: (why: string) => Failure): number {
  if (text === '') throw refuse('value is empty');
  if (!/^\d+$/.test(text)) throw refuse('invalid syntax');
  if (Number(text) > 65535) throw refuse('value out of range');
  return Number(text);
}

function wantedPorts(key: string, values: readonly string[]): Set<string> {
  const ports = new Set<string>();
  for (const value of values) {
    if (value.includes(':')) throw invalid(`filter for '${key}' should not contain ':': ${value}`);
    const refuse = (why: string): Failure => invalid(`error while looking up for ${key} ${value}: ${why}`);
    const [range = '', protocol] = value.split('/');
    if (value === '') throw refuse('invalid port range: value is empty');
    const [from = '', to = from] = range.split('-');
    const first = portNumber(from, (why) => refuse(`invalid start port '${from}': ${why}`));
    const last = portNumber(to, (why) => refuse(`invalid end port '${to}': ${why}`));
    if (last < first) throw refuse(`invalid port range: ${value}`);
    for (let port = first; port <= last; port += 1) ports.add(`${port}/${protocol?.toLowerCase() || 'tcp'}`);
  }
  return ports;
}

/** Checks the filters of GET /containers/json and makes tests of them. @throws Failure invalidParameter */
export async function listFilter(engine: Engine, filters: Filters): Promise<ListFilter> {
  for (const key of filters.keys()) if (!KNOWN.has(key)) throw invalid(`invalid filter '${key}'`);
  const values = (key: string): readonly string[] | undefined => (filters.get(key)?.length ? filters.get(key) : undefined);
  const tests: ListFilter['tests'] = [];

  const names = values('name')?.map(pattern);
  if (names) tests.push(({ name }) => names.some((test) => test(`/${name}`) || test(name)));
  const ids = values('id')?.map((prefix) => onlyOne(engine, prefix));
  if (ids) tests.push((container) => ids.includes(container));
  const labels = values('label');
  if (labels) tests.push(({ config }) => labelsMatch(labels, config.Labels ?? {}));

  const status = values('status');
  for (const word of status ?? []) {
    if (STATUSES.includes(word as ContainerStatus)) continue;
    throw invalid(`invalid filter 'status=${word}': invalid value for state (${word}): must be one of ${STATUSES.join(', ')}`);
  }
  if (status) tests.push(({ state }) => status.includes(statusWord(state)));

  const health = values('health');
  for (const word of health ?? []) {
    if (HEALTHS.includes(word)) continue;
    throw invalid(`invalid filter 'health=${word}': invalid value for health (${word}): must be one of ${HEALTHS.join(', ')}`);
  }
  if (health) tests.push(({ live }) => health.includes(live.health?.Status ?? 'none'));

  const exited = values('exited')?.map((text) => {
    if (!/^-?\d+$/.test(text)) throw invalid(`invalid filter 'exited=${text}': strconv.Atoi: parsing "${text}": invalid syntax`);
    return Number(text);
  });
  if (exited) tests.push(({ state }) => !isRunning(state) && state.status !== 'created' && exited.includes(state.exitCode));

  const tasks = values('is-task');
  if (tasks) {
    const wanted = tasks.map((text) => {
      if (!/^(0|1|true|false)$/.test(text)) throw invalid(`invalid filter 'is-task=[${tasks.join(' ')}]'`);
      return text === '1' || text === 'true';
    });
    tests.push(() => wanted.includes(false));
  }
  const volumes = values('volume');
  if (volumes) {
    tests.push(({ mounts }) => mounts.some((mount) => volumes.includes(mount.destination) || volumes.includes(mount.name || mount.source)));
  }
  const networks = values('network');
  if (networks) {
    tests.push((container) => {
      const view = endpointsView(container);
      return networks.some((wanted) => wanted in view || Object.values(view).some(({ NetworkID }) => NetworkID?.startsWith(wanted)));
    });
  }
  const publish = wantedPorts('publish', values('publish') ?? []);
  const expose = wantedPorts('expose', values('expose') ?? []);
  if (publish.size || expose.size) {
    tests.push((container) =>
      portSummary(container).some(
        ({ PublicPort, PrivatePort, Type }) => publish.has(`${PublicPort ?? 0}/${Type}`) || expose.has(`${PrivatePort}/${Type}`),
      ),
    );
  }
  const ancestors = values('ancestor');
  if (ancestors) {
    const resolved = await Promise.all(ancestors.map((name) => engine.images.resolve(name).catch(() => undefined)));
    const own = resolved.filter((image) => image !== undefined);
    tests.push(({ imageId, chain }) =>
      own.some((image) => image.id === imageId || (image.chain.length > 0 && chain.includes(image.chain[image.chain.length - 1] ?? ''))),
    );
  }
  const [before] = values('before') ?? [];
  const [since] = values('since') ?? [];
  return {
    before: before === undefined ? undefined : engine.store.get(before),
    since: since === undefined ? undefined : engine.store.get(since),
    status,
    tests,
  };
}
