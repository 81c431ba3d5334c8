import { describe, expect, it } from 'vitest';
import type { HostConfig } from '../../contract/docker/index.ts';
import type { Container } from './container.ts';
import { checkLogConfig, logDetails, logLimits, openLogDriver } from './log-options.ts';

const host = (Type: string, Config: Record<string, string> = {}): HostConfig => ({ LogConfig: { Type, Config } });

const containerOf = (type: string, options: Record<string, string>): Container =>
  ({ id: 'a'.repeat(64), args: [], imageId: '', hostConfig: host(type, options) }) as unknown as Container;

describe('log options', () => {
  it.each([
    ['json-file', { 'max-size': '10m', 'max-file': '3' }, { maxBytes: 10_000_000, maxFiles: 3 }],
    ['json-file', { 'max-size': '1.5 kB' }, { maxBytes: 1500, maxFiles: 1 }],
    ['json-file', {}, { maxBytes: undefined, maxFiles: 1 }],
    ['local', {}, { maxBytes: 20 * 1024 * 1024, maxFiles: 5 }],
  ])('%s with %j is limited', (type, options, limits) => {
    checkLogConfig(host(type, options));
    openLogDriver(containerOf(type, options));
    expect(logLimits(host(type, options))).toEqual(limits);
  });

  it.each([
    ['syslog', {}, 'error looking up logging plugin syslog: plugin "syslog" not found'],
    ['local', { labels: 'a' }, "unknown log opt 'labels' for log driver local"],
    ['journald', { 'max-size': '1m' }, "unknown log opt 'max-size' for journald log driver"],
    ['local', { 'max-file': '1' }, 'failed to initialize logging driver: compression cannot be enabled when max file count is 1'],
    ['local', { compress: 'x' }, 'error reading compress log option: strconv.ParseBool: parsing "x": invalid syntax'],
    ['local', { 'max-size': 'x' }, "failed to initialize logging driver: invalid value for max-size: x: invalid size: 'x'"],
    ['json-file', { mode: 'x' }, 'logger: logging mode not supported: x'],
    ['json-file', { 'max-buffer-size': '1m' }, "max-buffer-size option is only supported with 'mode=non-blocking'"],
    ['json-file', { mode: 'non-blocking', 'max-buffer-size': 'x' }, "error parsing option max-buffer-size: invalid size: 'x'"],
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
    expect(() => {
      checkLogConfig(host(type, options));
      openLogDriver(containerOf(type, options));
    }).toThrow(message);
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
