import type { ContainerSummary } from '../../../helper/contract/docker/index.ts';
import { freePort, heldPorts } from '../../lib/host-ports.ts';
import { namePattern } from '../../lib/names.ts';
import { parseMemory, type RunSpec } from './command.ts';

/** A field's problem: `key` is a text under `run.`; `fix` is what a click on the remedy sets. */
export interface Problem {
  key: string;
  values?: Record<string, string | number>;
  fix?: string;
}
/** Field → problem. Rows are `ports.0.host`, `env.2.name`, `mounts.1.target`. */
export type Problems = Record<string, Problem>;

const portNumber = (text: string) => (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65535 ? Number(text) : undefined);

/** What is wrong with a form, in the engine's terms and before it is asked. Empty rows are no problem: they are left out. */
export function validate(spec: RunSpec, containers: ContainerSummary[]): Problems {
  const problems: Problems = {};
  if (!spec.image.trim()) problems.image = { key: 'imageMissing' };
  if (spec.name && !namePattern.test(spec.name)) problems.name = { key: 'nameInvalid' };
  else if (spec.name && containers.some((c) => c.Names?.includes(`/${spec.name}`))) {
    // web-1 is followed by web-2, web by web-2.
    const [, stem = spec.name, number = '1'] = /^(.+)-(\d{1,4})$/.exec(spec.name) ?? [];
    let n = Number(number) + 1;
    while (containers.some((c) => c.Names?.includes(`/${stem}-${n}`))) n++;
    problems.name = { key: 'nameTaken', values: { name: spec.name }, fix: `${stem}-${n}` };
  }
  const held = heldPorts(containers);
  const own = new Map<string, number>();
  for (const [i, port] of spec.ports.entries()) {
    if (!port.container && !port.host) continue;
    if (portNumber(port.container) === undefined) problems[`ports.${i}.container`] = { key: 'portInvalid' };
    if (!port.host) continue;
    const number = portNumber(port.host);
    if (number === undefined) {
      problems[`ports.${i}.host`] = { key: 'portInvalid' };
      continue;
    }
    const holder = port.protocol === 'tcp' ? held.get(number) : undefined;
    const key = `${port.ip}:${number}/${port.protocol}`;
    const taken = new Map<number, unknown>([...held, ...spec.ports.map((p) => [Number(p.host), ''] as const)]);
    const next = freePort(taken, number + 1);
    if (holder !== undefined) problems[`ports.${i}.host`] = { key: 'portHeld', values: { port: number, holder }, fix: String(next) };
    else if (own.has(key)) problems[`ports.${i}.host`] = { key: 'portTwice', values: { port: number }, fix: String(next) };
    own.set(key, i);
  }
  for (const [i, env] of spec.env.entries()) if (!env.name && env.value) problems[`env.${i}.name`] = { key: 'envNameMissing' };
  for (const [i, mount] of spec.mounts.entries()) {
    if (!mount.source && !mount.target) continue;
    if (!mount.target.startsWith('/')) problems[`mounts.${i}.target`] = { key: 'mountTargetInvalid' };
    if (mount.source && !mount.source.startsWith('/') && !namePattern.test(mount.source))
      problems[`mounts.${i}.source`] = { key: 'mountSourceInvalid' };
  }
  if (spec.memory && (parseMemory(spec.memory) ?? 0) < 6 * 1024 * 1024)
    problems.memory = { key: parseMemory(spec.memory) === undefined ? 'memoryInvalid' : 'memorySmall' };
  if (spec.cpus && !(Number(spec.cpus) > 0)) problems.cpus = { key: 'cpusInvalid' };
  if (spec.autoRemove && spec.restart !== 'no') problems.restart = { key: 'restartRemove' };
  return problems;
}

/** The field that an engine's refusal is about, so that its words stand there. */
export function fieldOf(message: string, spec: RunSpec): string | undefined {
  if (/container name|name .* in use|invalid container name/i.test(message)) return 'name';
  if (/port|address already in use/i.test(message)) {
    const number = /:?(\d{1,5})(?:\/(?:tcp|udp))?\D*(?:failed|is|:|already|$)/i.exec(message)?.[1];
    const index = spec.ports.findIndex((p) => p.host !== '' && message.includes(p.host));
    if (index >= 0) return `ports.${index}.host`;
    if (number && spec.ports.length > 0) return 'ports.0.host';
  }
  if (/executable file not found|exec:|no such file or directory.*(exec|init)|permission denied.*exec/i.test(message)) return 'command';
  if (/bind|mount|volume/i.test(message)) {
    const index = spec.mounts.findIndex((m) => m.source !== '' && message.includes(m.source));
    return index >= 0 ? `mounts.${index}.source` : undefined;
  }
  if (/memory/i.test(message)) return 'memory';
  if (/cpu/i.test(message)) return 'cpus';
  if (/image|manifest|reference|pull/i.test(message)) return 'image';
  return undefined;
}
