import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { SystemInfo, VersionInfo } from '../../contract/docker/index.ts';
import type { Containers } from '../containers/types.ts';
import type { EventBus } from '../events/types.ts';
import type { ActionKind, Tally } from './meter.ts';
import { type ProcessFigures, processFigures } from './process.ts';

export interface MetricsSources {
  tally: Tally;
  containers: Pick<Containers, 'counts'>;
  events: Pick<EventBus, 'subscribers' | 'published'>;
  info(): Promise<SystemInfo>;
  version(): VersionInfo;
}

/** What `GET /metrics` answers. */
export interface Metrics {
  /** In Prometheus' text format. */
  text(): Promise<{ contentType: string; body: string }>;
}

/** Of dockerd's timers. */
const HISTOGRAMS: Record<ActionKind, { name: string; help: string; label: string; actions: readonly string[] }> = {
  container: {
    name: 'engine_daemon_container_actions_seconds',
    help: 'The number of seconds it takes to process each container action',
    label: 'action',
    actions: ['changes', 'commit', 'create', 'delete', 'start'],
  },
  image: {
    name: 'engine_daemon_image_actions_seconds',
    help: 'The number of seconds it takes to process each image action',
    label: 'action',
    actions: ['delete', 'pull', 'push'],
  },
  network: {
    name: 'engine_daemon_network_actions_seconds',
    help: 'The number of seconds it takes to process each network action',
    label: 'action',
    actions: ['connect', 'create', 'delete', 'disconnect'],
  },
  'host info': {
    name: 'engine_daemon_host_info_functions_seconds',
    help: 'The number of seconds it takes to call functions gathering info about the host',
    label: 'function',
    actions: ['system_info'],
  },
};

const PROCESS_HELP: Record<keyof ProcessFigures, string> = {
  process_cpu_seconds_total: 'Total user and system CPU time spent in seconds.',
  process_resident_memory_bytes: 'Resident memory size in bytes.',
  process_virtual_memory_bytes: 'Virtual memory size in bytes.',
  process_open_fds: 'Number of open file descriptors.',
  process_max_fds: 'Maximum number of open file descriptors.',
  process_start_time_seconds: 'Start time of the process since unix epoch in seconds.',
  nodejs_heap_size_used_bytes: 'Process heap size used from Node.js in bytes.',
  nodejs_external_memory_bytes: 'Node.js external memory size in bytes.',
};

/**
 * Metrics by the names that dockerd has for them, so that dashboards for it work, and the usual ones of a process.
 * Source: dockerd's answer at /metrics (20.10), checked by helper/tests/metrics.test.ts.
 */
export function createMetrics(sources: MetricsSources): Metrics {
  let registry: Promise<Registry> | undefined;
  return {
    async text() {
      registry ??= build(sources);
      const { contentType, metrics } = await registry.then((one) => ({ contentType: one.contentType, metrics: one.metrics() }));
      return { contentType, body: await metrics };
    },
  };
}

async function build(sources: MetricsSources): Promise<Registry> {
  const prom = await import('prom-client');
  const registry = new prom.Registry();
  const registers = [registry];
  const histograms = Object.fromEntries(
    Object.entries(HISTOGRAMS).map(([kind, { name, help, label, actions }]) => {
      const histogram = new prom.Histogram({ name, help, labelNames: [label], registers });
      for (const action of actions) histogram.zero({ [label]: action });
      return [kind, { histogram, label }];
    }),
  ) as Record<ActionKind, { histogram: Histogram; label: string }>;
  sources.tally.drain(({ kind, action, seconds }) => histograms[kind].histogram.observe({ [histograms[kind].label]: action }, seconds));

  const read = (metric: Gauge | Counter, value: () => number): void => {
    if (metric instanceof prom.Counter) {
      metric.reset();
      metric.inc(value());
    } else metric.set(value());
  };
  const counter = (name: string, help: string, value: () => number): void => {
    new prom.Counter({ name, help, registers, collect: (): void => read(registry.getSingleMetric(name) as Counter, value) });
  };
  const gauge = (name: string, help: string, value: () => number): void => {
    new prom.Gauge({ name, help, registers, collect: (): void => read(registry.getSingleMetric(name) as Gauge, value) });
  };

  const states = new prom.Gauge({
    name: 'engine_daemon_container_states_containers',
    help: 'The count of containers in various states',
    labelNames: ['state'],
    registers,
    collect() {
      const { running, paused, stopped } = sources.containers.counts();
      for (const [state, count] of Object.entries({ running, paused, stopped })) states.set({ state }, count);
    },
  });
  const info = await sources.info();
  const { GitCommit } = sources.version();
  new prom.Gauge({
    name: 'engine_daemon_engine_info',
    help: 'The information related to the engine and the OS it is running on',
    labelNames: ['version', 'commit', 'architecture', 'graphdriver', 'kernel', 'os', 'os_type', 'os_version', 'daemon_id'],
    registers,
  }).set(
    {
      ...{ version: info.ServerVersion, commit: GitCommit, architecture: info.Architecture, graphdriver: info.Driver },
      ...{ kernel: info.KernelVersion, os: info.OperatingSystem, os_type: info.OSType, os_version: info.OSVersion, daemon_id: info.ID },
    } as Record<string, string>,
    1,
  );
  gauge('engine_daemon_engine_cpus_cpus', 'The number of cpus that the host system of the engine has', () => Number(info.NCPU));
  gauge('engine_daemon_engine_memory_bytes', 'The number of bytes of memory that the host system of the engine has', () =>
    Number(info.MemTotal),
  );
  counter('engine_daemon_events_total', 'The number of events logged', () => sources.events.published());
  gauge('engine_daemon_events_subscribers_total', 'The number of current subscribers to events', () => sources.events.subscribers());
  counter('engine_daemon_health_checks_total', 'The total number of health checks', () => sources.tally.healthChecks);
  counter('engine_daemon_health_checks_failed_total', 'The total number of failed health checks', () => sources.tally.failedHealthChecks);

  // One reading of /proc for all of them: the first that is asked for takes it, at each question.
  let figures = processFigures();
  for (const [name, help] of Object.entries(PROCESS_HELP) as [keyof ProcessFigures, string][]) {
    const value = (): number => {
      if (name === 'process_cpu_seconds_total') figures = processFigures();
      return figures[name];
    };
    if (name.endsWith('_total')) counter(name, help, value);
    else gauge(name, help, value);
  }
  return registry;
}
