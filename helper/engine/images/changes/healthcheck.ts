import type { HealthConfig } from '../../../contract/docker/index.ts';
import { parseGoDuration } from '../../duration.ts';
import { Failure } from '../../failure.ts';
import { jsonList } from './lines.ts';

const MILLISECOND = 1e6;
const FLAGS = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const;

const wrong = (message: string): Failure => new Failure('invalidParameter', message);

function nanosOf(name: string, text: string): number {
  const nanos = parseGoDuration(text);
  if (nanos === undefined) throw wrong(`time: invalid duration ${JSON.stringify(text)}`);
  if (nanos > 0 && nanos < MILLISECOND) throw wrong(`Interval ${JSON.stringify(name)} cannot be less than 1ms`);
  return nanos;
}

function retriesOf(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) < 0) throw wrong(`--retries cannot be negative (${Number(text)})`);
  return Number(text);
}

/**
 * What stands after HEALTHCHECK: `CMD …` with its flags, or `NONE`. Pure.
 * @throws Failure invalidParameter in dockerd's words
 */
export function healthcheckOf(flags: readonly string[], rest: string): HealthConfig {
  const [word = ''] = rest.split(/\s/, 1);
  const type = word.toUpperCase();
  const command = rest.slice(word.length).trimStart();
  if (type === 'NONE') {
    if (command !== '') throw wrong('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  const given: HealthConfig = {};
  for (const flag of flags) {
    const equals = flag.indexOf('=');
    const name = flag.slice(2, equals < 0 ? undefined : equals);
    if (name !== 'retries' && !Object.hasOwn(FLAGS, name)) throw wrong(`unknown flag: --${name}`);
    if (equals < 0) throw wrong(`missing a value on flag: ${name}`);
    const value = flag.slice(equals + 1);
    const number = value === '' ? 0 : name === 'retries' ? retriesOf(value) : nanosOf(name, value);
    // Zero is what is left to the engine.
    if (number !== 0) given[name === 'retries' ? 'Retries' : FLAGS[name as keyof typeof FLAGS]] = number;
  }
  if (type !== 'CMD') throw wrong(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  const list = jsonList(command);
  if (list ? list.length === 0 : command === '') throw wrong('Missing command after HEALTHCHECK CMD');
  return { Test: list ? ['CMD', ...list] : ['CMD-SHELL', command], ...given };
}
