/**
 * The Dockerfile lines that commit and import take as `changes`.
 * Source: Docker CLI reference, `docker commit --change` and `docker import --change`; Dockerfile reference
 */
import path from 'node:path';
import type { ContainerConfig } from '../../../contract/docker/index.ts';
import { Failure } from '../../failure.ts';
import { parseSignal } from '../../signals.ts';
import { expand, expandToWords } from './expand.ts';
import { healthcheckOf } from './healthcheck.ts';
import { type Instruction, instructionsOf, jsonList, quotedWords } from './lines.ts';

const wrong = (message: string): Failure => new Failure('invalidParameter', message);

interface Draft {
  config: ContainerConfig;
  /** Whether a CMD was among the changes: an entrypoint takes away the command that it was not made for. */
  commandSet: boolean;
}

type Apply = (draft: Draft, rest: string, instruction: Instruction) => void;

const environmentOf = ({ config }: Draft): readonly string[] => config.Env ?? [];

/** The exec form as it is, the shell form through the shell. */
function commandLine({ config }: Draft, rest: string): string[] {
  return jsonList(rest) ?? [...(config.Shell?.length ? config.Shell : ['/bin/sh', '-c']), ...(rest === '' ? [] : [rest])];
}

/** `a=b "c d"=e`, or the old `a b c`; values expanded. */
function pairs(draft: Draft, rest: string, name: string): [string, string][] {
  const words = quotedWords(rest);
  const [first] = words;
  if (first === undefined) throw wrong(`${name} requires at least one argument`);
  const environment = [...environmentOf(draft)];
  let given: [string, string][];
  if (first.includes('=')) {
    given = words.map((word) => {
      const equals = word.indexOf('=');
      if (equals < 0) throw wrong(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
      return [word.slice(0, equals), word.slice(equals + 1)];
    });
  } else {
    const [key = '', ...values] = rest.split(/(?<=^\S+)\s+/);
    if (values.length === 0) throw wrong(`${name} must have two arguments`);
    given = [[key, rest.slice(key.length).trimStart()]];
  }
  return given.map(([key, value]) => {
    if (key === '') throw wrong(`${name} names can not be blank`);
    return [expand(key, environment), expand(value, environment)];
  });
}

/** What takes the rest of its line as one. */
function single(draft: Draft, rest: string, name: string): string {
  if (rest === '') throw wrong(`${name} requires exactly one argument`);
  return expand(rest, environmentOf(draft));
}

function exposed(spec: string): Record<string, Record<string, never>> {
  const [ports = '', protocol = 'tcp'] = spec.split('/');
  // Of `host:container` only what is in the container is exposed.
  const port = ports.slice(ports.lastIndexOf(':') + 1);
  const match = /^(\d+)(?:-(\d+))?$/.exec(port);
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || to > 65535 || to < from) throw wrong(`invalid containerPort: ${port}`);
  if (!/^(tcp|udp|sctp)$/i.test(protocol)) throw wrong(`invalid proto: ${protocol}`);
  const found: Record<string, Record<string, never>> = {};
  for (let number = from; number <= to; number += 1) found[`${number}/${protocol.toLowerCase()}`] = {};
  return found;
}

const APPLY: Record<string, Apply> = {
  CMD(draft, rest) {
    draft.config.Cmd = commandLine(draft, rest);
    draft.commandSet ||= rest !== '' && jsonList(rest)?.length !== 0;
  },
  ENTRYPOINT(draft, rest) {
    const none = rest === '' || jsonList(rest)?.length === 0;
    draft.config.Entrypoint = none ? null : commandLine(draft, rest);
    if (!draft.commandSet) draft.config.Cmd = null;
  },
  ENV(draft, rest) {
    const entries = [...environmentOf(draft)];
    for (const [name, value] of pairs(draft, rest, 'ENV')) {
      const at = entries.findIndex((entry) => entry === name || entry.startsWith(`${name}=`));
      entries[at < 0 ? entries.length : at] = `${name}=${value}`;
    }
    draft.config.Env = entries;
  },
  LABEL(draft, rest) {
    draft.config.Labels = { ...draft.config.Labels, ...Object.fromEntries(pairs(draft, rest, 'LABEL')) };
  },
  EXPOSE(draft, rest) {
    if (rest === '') throw wrong('EXPOSE requires at least one argument');
    for (const word of rest.split(/\s+/)) {
      for (const spec of expandToWords(word, environmentOf(draft))) {
        draft.config.ExposedPorts = { ...draft.config.ExposedPorts, ...exposed(spec) };
      }
    }
  },
  VOLUME(draft, rest) {
    const volumes = jsonList(rest) ?? (rest === '' ? [] : rest.split(/\s+/));
    if (volumes.length === 0) throw wrong('VOLUME requires at least one argument');
    for (const volume of volumes) {
      const place = expand(volume.trim(), environmentOf(draft));
      if (place === '') throw wrong('VOLUME specified can not be an empty string');
      draft.config.Volumes = { ...draft.config.Volumes, [place]: {} };
    }
  },
  USER(draft, rest) {
    draft.config.User = single(draft, rest, 'USER');
  },
  WORKDIR(draft, rest) {
    const place = single(draft, rest, 'WORKDIR');
    if (place === '') throw wrong('cannot normalize nothing');
    draft.config.WorkingDir = path.posix
      .join('/', place.startsWith('/') ? '' : (draft.config.WorkingDir ?? ''), place)
      .replace(/(.)\/$/, '$1');
  },
  STOPSIGNAL(draft, rest) {
    const signal = single(draft, rest, 'STOPSIGNAL');
    parseSignal(signal);
    draft.config.StopSignal = signal;
  },
  ONBUILD(draft, rest) {
    const trigger = rest.split(/\s/, 1)[0]?.toUpperCase();
    if (!trigger) throw wrong('ONBUILD requires at least one argument');
    if (trigger === 'ONBUILD') throw wrong("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (trigger === 'MAINTAINER' || trigger === 'FROM') throw wrong(`${trigger} isn't allowed as an ONBUILD trigger`);
    draft.config.OnBuild = [...(draft.config.OnBuild ?? []), rest];
  },
  HEALTHCHECK(draft, rest, { flags }) {
    if (rest === '') throw wrong('HEALTHCHECK requires at least one argument');
    draft.config.Healthcheck = healthcheckOf(flags, rest);
  },
};

/**
 * The config with the changes applied in order. Pure.
 * @param changes Dockerfile lines; variables in them are those of the config's environment
 * @throws Failure invalidParameter in dockerd's words
 */
export function applyChanges(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  if (changes.length === 0) return { ...config };
  const draft: Draft = { config: structuredClone(config), commandSet: false };
  const instructions = instructionsOf(changes.join('\n'));
  for (const { name } of instructions) {
    if (!Object.hasOwn(APPLY, name.toUpperCase())) throw wrong(`${name} is not a valid change command`);
  }
  for (const instruction of instructions) {
    const name = instruction.name.toUpperCase();
    if (name !== 'HEALTHCHECK' && instruction.flags[0] !== undefined) {
      throw wrong(`unknown flag: ${instruction.flags[0].split('=', 1)[0]}`);
    }
    APPLY[name]?.(draft, instruction.rest, instruction);
  }
  return draft.config;
}
