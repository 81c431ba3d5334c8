import type { DaemonConfig } from '../engine/context.ts';
import { type File, KEYS, type Key } from './keys.ts';

/** What of the engine's configuration SIGHUP takes over: the fields of the keys that say `reload`. */
const RELOADED = [
  ...['debug', 'logLevel', 'labels', 'liveRestore', 'shutdownTimeout', 'registryMirrors', 'insecureRegistries', 'features'],
  ...['maxConcurrentDownloads', 'maxConcurrentUploads', 'maxDownloadAttempts', 'defaultRuntime', 'bin'],
  ...['cgroupnsMode', 'ipcMode', 'defaultShmSize', 'runtimes'],
] as unknown as readonly (keyof DaemonConfig)[];

/** Changes `config` in place: the engine's parts hold on to it. */
export function takeOver(config: DaemonConfig, next: DaemonConfig): void {
  for (const field of RELOADED) Object.assign(config, { [field]: next[field] });
}

/** Keys that differ between two readings of the configuration and wait for the next start. */
export function needRestart(before: File, after: File): Key[] {
  return (Object.keys(KEYS) as Key[]).filter(
    (key) => !KEYS[key].reload && !KEYS[key].noEffect && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
}

/** Attributes of the daemon's `reload` event, as dockerd words them. */
export function reloadAttributes(
  config: DaemonConfig,
  runtimes: readonly { name: string; path: string }[],
  cgroupVersion: 1 | 2,
): Record<string, string> {
  const list = (values: readonly string[]): string => JSON.stringify(values);
  const switches = Object.entries(config.features).map(([name, on]) => `${name}:${on}`);
  return {
    debug: String(config.debug),
    'default-cgroupns-mode': config.cgroupnsMode ?? (cgroupVersion === 2 ? 'private' : 'host'),
    'default-ipc-mode': config.ipcMode,
    'default-runtime': config.defaultRuntime,
    'default-shm-size': String(config.defaultShmSize),
    features: `map[${switches.sort().join(' ')}]`,
    'insecure-registries': list(config.insecureRegistries),
    labels: list(config.labels),
    'live-restore': String(config.liveRestore),
    'max-concurrent-downloads': String(config.maxConcurrentDownloads),
    'max-concurrent-uploads': String(config.maxConcurrentUploads),
    'max-download-attempts': String(config.maxDownloadAttempts),
    'registry-mirrors': list(config.registryMirrors),
    runtimes: runtimes.map(({ name, path }) => `${name}:${path}`).join(' '),
    'shutdown-timeout': String(config.shutdownTimeout),
  };
}
