/**
 * The Dockerfile lines that commit and import take as `changes`.
 * Source: Docker CLI reference, `docker commit --change` and `docker import --change`
 */
import { parse as splitShell } from 'shell-quote';
import type { ContainerConfig, HealthConfig } from '../../contract/docker.ts';
import { Failure } from '../failure.ts';

const KNOWN = ['CMD', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'LABEL', 'ONBUILD', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'];

/** @returns a new config with the changes applied in order @throws Failure invalidParameter in dockerd's words */
export function applyChanges(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  const result: ContainerConfig = structuredClone(config);
  for (const line of changes.flatMap((change) => change.split('\n'))) {
    const match = /^\s*([A-Za-z]+)\s*(.*?)\s*$/.exec(line);
    if (line.trim() === '') continue;
    const instruction = match?.[1]?.toUpperCase() ?? '';
    if (!match || !KNOWN.includes(instruction)) {
      throw new Failure('invalidParameter', `${match?.[1] ?? line.trim().split(/\s/, 1)[0]} is not a valid change command`);
    }
    const rest = match[2] as string;
    if (rest === '') throw new Failure('invalidParameter', `${instruction} requires at least one argument`);
    applyOne(result, instruction, rest);
  }
  return result;
}

function applyOne(config: ContainerConfig, instruction: string, rest: string): void {
  switch (instruction) {
    case 'CMD':
      config.Cmd = command(config, rest);
      break;
    case 'ENTRYPOINT':
      config.Entrypoint = command(config, rest);
      break;
    case 'ENV':
      for (const [name, value] of pairs(rest))
        config.Env = [...(config.Env ?? []).filter((entry) => !entry.startsWith(`${name}=`)), `${name}=${value}`];
      break;
    case 'LABEL':
      config.Labels = { ...config.Labels, ...Object.fromEntries(pairs(rest)) };
      break;
    case 'EXPOSE':
      for (const port of rest.split(/\s+/)) config.ExposedPorts = { ...config.ExposedPorts, ...exposed(port) };
      break;
    case 'VOLUME':
      for (const volume of jsonList(rest) ?? rest.split(/\s+/)) config.Volumes = { ...config.Volumes, [volume]: {} };
      break;
    case 'USER':
      config.User = rest;
      break;
    case 'WORKDIR':
      config.WorkingDir = rest.startsWith('/') ? rest : `${(config.WorkingDir || '/').replace(/\/$/, '')}/${rest}`;
      break;
    case 'STOPSIGNAL':
      config.StopSignal = rest;
      break;
    case 'ONBUILD':
      config.OnBuild = [...(config.OnBuild ?? []), rest];
      break;
    default:
      config.Healthcheck = healthcheck(rest);
  }
}

function jsonList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The exec form as it is, the shell form through the shell. */
function command(config: ContainerConfig, rest: string): string[] {
  return jsonList(rest) ?? [...(config.Shell ?? ['/bin/sh', '-c']), rest];
}

/** `a=b "c d"=e`, or the old `a b c`. */
function pairs(rest: string): [string, string][] {
  const first = rest.split(/\s+/, 1)[0] as string;
  if (!first.includes('=')) return [[first, rest.slice(first.length).trim()]];
  // Variables are for the container's shell, not for us: each stays as it is written.
  const words = splitShell(rest, (name) => `$${name}`);
  return words.map((word) => {
    const text = typeof word === 'string' ? word : 'pattern' in word ? word.pattern : 'op' in word ? word.op : '';
    const equals = text.indexOf('=');
    if (equals <= 0)
      throw new Failure('invalidParameter', `Syntax error - can't find = in ${JSON.stringify(text)}. Must be of the form: name=value`);
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
}

function exposed(port: string): Record<string, Record<string, never>> {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(port);
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || from < 1 || to > 65535 || to < from) throw new Failure('invalidParameter', `invalid containerPort: ${port}`);
  const found: Record<string, Record<string, never>> = {};
  for (let number = from; number <= to; number++) found[`${number}/${(match[3] ?? 'tcp').toLowerCase()}`] = {};
  return found;
}

const UNIT_NANOS: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

function duration(text: string): number {
  if (!/^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(text)) throw new Failure('invalidParameter', `invalid duration ${JSON.stringify(text)}`);
  let nanos = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g))
    nanos += Number(amount) * (UNIT_NANOS[unit as string] as number);
  return nanos;
}

function healthcheck(rest: string): HealthConfig {
  if (/^none$/i.test(rest)) return { Test: ['NONE'] };
  const health: HealthConfig = {};
  let left = rest;
  for (let option = /^--([a-z-]+)=(\S+)\s+/.exec(left); option; option = /^--([a-z-]+)=(\S+)\s+/.exec(left)) {
    left = left.slice(option[0].length);
    const [, name, value] = option as unknown as [string, string, string];
    if (name === 'interval') health.Interval = duration(value);
    else if (name === 'timeout') health.Timeout = duration(value);
    else if (name === 'start-period') health.StartPeriod = duration(value);
    else if (name === 'start-interval') health.StartInterval = duration(value);
    else if (name === 'retries') health.Retries = Number(value);
    else throw new Failure('invalidParameter', `Unknown flag: ${name}`);
  }
  const cmd = /^CMD\s+(.+)$/i.exec(left)?.[1];
  if (!cmd) throw new Failure('invalidParameter', `Unknown type ${JSON.stringify(left.split(/\s/, 1)[0])} in HEALTHCHECK (try CMD)`);
  const list = jsonList(cmd);
  health.Test = list ? ['CMD', ...list] : ['CMD-SHELL', cmd];
  return health;
}
