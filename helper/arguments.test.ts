import { describe, expect, it } from 'vitest';
import { HELP, readArguments } from './arguments.ts';
import { KEYS } from './config/index.ts';

describe('arguments', () => {
  it('are our own and those of dockerd', () => {
    expect(
      readArguments([
        '--socket',
        '/s',
        '--socket-user=1000',
        '--data=/d',
        '-H',
        'fd://',
        '-H=tcp://x:1',
        '-D',
        '--tlsverify',
        '--tls=false',
        '--mtu',
        '1400',
      ]),
    ).toMatchObject({
      socket: '/s',
      socketUser: 1000,
      data: '/d',
      flags: { hosts: ['fd://', 'tcp://x:1'], debug: true, tlsverify: true, tls: false, mtu: 1400 },
      action: 'serve',
    });
    expect(
      readArguments([
        '--default-network-opt',
        'bridge=mtu=1300',
        '--default-network-opt=bridge=a=b=c',
        '--containerd-plugins-namespace',
        'x',
      ]).flags,
    ).toEqual({ 'default-network-opts': { bridge: { mtu: '1300', a: 'b=c' } }, 'containerd-plugins-namespace': 'x' });
    expect(
      readArguments(['--default-address-pool', 'base=10.0.0.0/8,size=24', '--default-address-pool=base=fd00::/8,size=64']).flags,
    ).toEqual({
      'default-address-pools': [
        { base: '10.0.0.0/8', size: 24 },
        { base: 'fd00::/8', size: 64 },
      ],
    });
    expect(() => readArguments(['--default-address-pool', 'base=10.0.0.0/8'])).toThrow('should be base=SUBNET,size=NUMBER');
    expect(readArguments(['--log-opt', 'max-size=1m', '--log-opt', 'max-file=3', '--add-runtime', 'x=/y']).flags).toEqual({
      'log-opts': { 'max-size': '1m', 'max-file': '3' },
      runtimes: { x: { path: '/y' } },
    });
    expect(
      readArguments(['--default-ulimit', 'nofile=10:20', '--default-ulimit=core=-1', '--feature', 'x', '--feature=y=false']).flags,
    ).toEqual({
      'default-ulimits': { nofile: { Name: 'nofile', Soft: 10, Hard: 20 }, core: { Name: 'core', Soft: -1, Hard: -1 } },
      features: { x: true, y: false },
    });
    expect(readArguments(['--http-proxy', 'http://a:1', '--no-proxy=b,c']).flags).toEqual({
      proxies: { 'http-proxy': 'http://a:1', 'no-proxy': 'b,c' },
    });
  });
  it.each([
    [['--help'], 'help'],
    [['-h'], 'help'],
    [['-v'], 'version'],
    [['--check-config'], 'check-config'],
    [['--validate', '--config-file', '/x'], 'check-config'],
  ])('%j', (argv, action) => expect(readArguments(argv).action).toBe(action));
  it.each([
    [['--colour'], 'unknown flag: --colour'],
    [['-z'], 'unknown shorthand flag: -z'],
    [['run'], 'unknown command: run'],
    [['--host'], 'flag needs an argument: --host'],
    [['--debug=maybe'], 'invalid argument "maybe" for "--debug" flag'],
    [['--socket-user', 'ann'], 'invalid argument "ann" for "--socket-user" flag'],
    [['--default-ulimit', 'nofile'], 'should be NAME=SOFT[:HARD]'],
    [['--feature', 'x=1'], 'should be NAME, NAME=true or NAME=false'],
    [['--mtu', 'x'], 'invalid argument "x" for "--mtu" flag'],
    [['--log-level', 'loud'], 'log-level: invalid logging level: loud'],
  ])('%j are refused with what is wrong', (argv, expected) => {
    expect(() => readArguments(argv)).toThrow(expected);
    expect(() => readArguments(argv)).toThrow("See 'gantryd --help'.");
  });
  it('are all in --help, and so are the keys that have none', () => {
    for (const [key, { flag, noEffect }] of Object.entries(KEYS)) if (flag || !noEffect) expect(HELP).toContain(flag?.name ?? key);
    expect(Math.max(...HELP.split('\n').map((line) => line.length))).toBeLessThanOrEqual(140);
  });
});
