import path from 'node:path';
import type { ContainerConfig, HealthConfig } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import { sortedByKey } from '../sorted.ts';

const keyOf = (entry: string): string => entry.split('=', 1)[0] ?? '';

/**
 * What the user asked for, completed from the image's config. Pure.
 * Source: Docker API, container create: what is not given is taken from the image.
 */
export function mergeConfig(user: ContainerConfig, image: ContainerConfig | undefined): ContainerConfig {
  if (!image) return { ...user };
  const merged: ContainerConfig = { ...user };
  merged.User = user.User || image.User || '';
  merged.ExposedPorts = sortedByKey({ ...(image.ExposedPorts ?? {}), ...(user.ExposedPorts ?? {}) });
  const env = user.Env ?? [];
  const named = new Set(env.map(keyOf));
  merged.Env = [...env, ...(image.Env ?? []).filter((entry) => !named.has(keyOf(entry)))];
  merged.Labels = sortedByKey({ ...(image.Labels ?? {}), ...(user.Labels ?? {}) });
  if (!user.Entrypoint?.length) {
    if (!user.Cmd?.length) merged.Cmd = image.Cmd ?? null;
    // An explicit empty list (or [""], below) takes the image's entrypoint away.
    if (user.Entrypoint === undefined || user.Entrypoint === null) merged.Entrypoint = image.Entrypoint ?? null;
  }
  const check = image.Healthcheck;
  if (check && !user.Healthcheck) merged.Healthcheck = check;
  else if (check && user.Healthcheck) {
    const own = user.Healthcheck;
    merged.Healthcheck = {
      ...own,
      ...(own.Test?.length ? {} : { Test: check.Test ?? [] }),
      Interval: own.Interval || check.Interval || 0,
      Timeout: own.Timeout || check.Timeout || 0,
      StartPeriod: own.StartPeriod || check.StartPeriod || 0,
      StartInterval: own.StartInterval || check.StartInterval || 0,
      Retries: own.Retries || check.Retries || 0,
    };
  }
  merged.WorkingDir = cleanFolder(user.WorkingDir || image.WorkingDir || '');
  merged.Volumes = sortedByKey({ ...(user.Volumes ?? {}), ...(image.Volumes ?? {}) });
  merged.StopSignal = user.StopSignal || image.StopSignal || '';
  if (!user.Shell?.length && image.Shell?.length) merged.Shell = image.Shell;
  if (image.OnBuild?.length && !user.OnBuild) merged.OnBuild = image.OnBuild;
  return merged;
}

/** `/srv/../tmp/` is `/tmp`. */
const cleanFolder = (folder: string): string => (folder.startsWith('/') ? path.posix.resolve(folder) : folder);

/** The command line of a merged config. @throws Failure invalidParameter `no command specified` */
export function commandOf(config: ContainerConfig): { path: string; args: string[] } {
  const entrypoint = config.Entrypoint?.length === 1 && config.Entrypoint[0] === '' ? [] : (config.Entrypoint ?? []);
  const words = [...entrypoint, ...(config.Cmd ?? [])];
  const [path, ...args] = words;
  if (path === undefined) throw new Failure('invalidParameter', 'no command specified');
  return { path, args };
}

/** dockerd leaves zeros and empty lists out. */
function givenOnly(check: HealthConfig): HealthConfig {
  return Object.fromEntries(Object.entries(check).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value)));
}

/** The config as inspect shows it: every field that dockerd fills, in its defaults. */
export function completeConfig(config: ContainerConfig, hostname: string): ContainerConfig {
  const entrypoint = config.Entrypoint?.length === 1 && config.Entrypoint[0] === '' ? null : (config.Entrypoint ?? null);
  return {
    Hostname: config.Hostname || hostname,
    Domainname: config.Domainname ?? '',
    User: config.User ?? '',
    AttachStdin: config.AttachStdin ?? false,
    AttachStdout: config.AttachStdout ?? false,
    AttachStderr: config.AttachStderr ?? false,
    ...(Object.keys(config.ExposedPorts ?? {}).length ? { ExposedPorts: config.ExposedPorts ?? {} } : {}),
    Tty: config.Tty ?? false,
    OpenStdin: config.OpenStdin ?? false,
    StdinOnce: config.StdinOnce ?? false,
    Env: config.Env ?? [],
    Cmd: config.Cmd ?? null,
    ...(config.Healthcheck ? { Healthcheck: givenOnly(config.Healthcheck) } : {}),
    ...(config.ArgsEscaped ? { ArgsEscaped: true } : {}),
    Image: config.Image ?? '',
    Volumes: Object.keys(config.Volumes ?? {}).length ? (config.Volumes ?? null) : null,
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: entrypoint,
    ...(config.NetworkDisabled ? { NetworkDisabled: true } : {}),
    ...(config.MacAddress ? { MacAddress: config.MacAddress } : {}),
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? {},
    ...(config.StopSignal ? { StopSignal: config.StopSignal } : {}),
    ...(config.StopTimeout === undefined || config.StopTimeout === null ? {} : { StopTimeout: config.StopTimeout }),
    ...(config.Shell?.length ? { Shell: config.Shell } : {}),
  };
}
