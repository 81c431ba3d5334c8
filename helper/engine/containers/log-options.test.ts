import { describe, expect, it } from 'vitest';
import type { HostConfig } from '../../contract/docker.ts';
import type { Container } from './container.ts';
import { checkLogConfig, logDetails, logLimits } from './log-options.ts';

const host = (Type: string, Config: Record<string, string> = {}): HostConfig => ({ LogConfig: { Type, Config } });

describe('log options', () => {
  it.each([
    ['json-file', { 'max-size': '10m', 'max-file': '3' }, { maxBytes: 10_000_000, maxFiles: 3 }],
    ['json-file', { 'max-size': '1.5 kB' }, { maxBytes: 1500, maxFiles: 1 }],
    ['json-file', {}, { maxBytes: undefined, maxFiles: 1 }],
    ['local', {}, { maxBytes: 20 * 1024 * 1024, maxFiles: 5 }],
  ])('%s with %j is limited', (type, options, limits) => {
    checkLogConfig(host(type, options));
    expect(logLimits(host(type, options))).toEqual(limits);
  });

  it.each([
    ['syslog', {}, "logger: no log driver named 'syslog' is registered"],
    ['json-file', { bogus: '1' }, "unknown log opt 'bogus' for json-file log driver"],
    ['local', { bogus: '1' }, "unknown log opt 'bogus' for log driver local"],
    ['json-file', { 'max-size': 'x' }, "failed to initialize logging driver: invalid size: 'x'"],
    ['json-file', { 'max-size': '1x' }, "failed to initialize logging driver: invalid suffix: 'x'"],
    ['json-file', { 'max-size': '0' }, 'failed to initialize logging driver: max-size must be a positive number'],
    ['json-file', { 'max-file': '0' }, 'failed to initialize logging driver: max-file cannot be less than 1'],
    ['json-file', { 'max-file': 'x' }, 'failed to initialize logging driver: strconv.Atoi: parsing "x": invalid syntax'],
    ['json-file', { compress: 'true' }, 'compress cannot be true when max-file is less than 2 or max-size is not set'],
    ['json-file', { tag: '{{.Bogus}}' }, "can't evaluate .Bogus"],
  ])('%s with %j is refused', (type, options, message) => {
    expect(() => checkLogConfig(host(type, options))).toThrow(message);
  });
});

it('details are labels, environment and tag, escaped and sorted', () => {
  const container = (Config: Record<string, string>): Container =>
    ({
      id: 'a'.repeat(64),
      name: 'web',
      path: 'sh',
      args: ['-c', 'x'],
      imageId: `sha256:${'b'.repeat(64)}`,
      imageRef: 'alpine',
      config: { Env: ['SECRET=1', 'SHOWN=a b*', 'OTHER=2'], Labels: { z: 'last', 'com.x': '/' } },
      hostConfig: host('json-file', Config),
    }) as unknown as Container;
  expect(logDetails(container({ labels: 'z,none', env: 'SHOWN' }))).toBe('SHOWN=a+b%2A,z=last ');
  expect(logDetails(container({ 'labels-regex': '^com', 'env-regex': 'OTH', tag: '{{.Name}}/{{ .ID }}' }))).toBe(
    `OTHER=2,com.x=%2F,tag=web%2F${'a'.repeat(12)} `,
  );
  expect(logDetails(container({}))).toBe(' ');
});
