import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { fits, fitsList } from './patterns.ts';

describe('addresses', () => {
  test.each<[string, Address]>([
    ['nas', { host: 'nas' }],
    ['  ada@nas.local ', { user: 'ada', host: 'nas.local' }],
    ['ssh ada@nas', { user: 'ada', host: 'nas' }],
    ['ada@nas:2222', { user: 'ada', host: 'nas', port: 2222 }],
    ['ada@corp.example@nas', { user: 'ada@corp.example', host: 'nas' }],
    ['10.0.0.7', { host: '10.0.0.7' }],
    ['ada@::1', { user: 'ada', host: '::1' }],
    ['[fe80::1%eth0]:22', { host: 'fe80::1%eth0', port: 22 }],
    ['ssh://ada@nas:22', { user: 'ada', host: 'nas', port: 22 }],
    ['ssh://nas/', { host: 'nas' }],
    ['ssh://nas/run/user/1000/docker.sock', { host: 'nas', socketPath: '/run/user/1000/docker.sock' }],
    ['ssh://a%2Bb@nas', { user: 'a+b', host: 'nas' }],
    ['主机.example', { host: '主机.example' }],
  ])('%s', (typed, address) => expect(parseAddress(typed)).toEqual(address));

  test.each([
    '',
    '   ',
    'ada@',
    '-oProxyCommand=x',
    'nas:0',
    'nas:70000',
    'nas:x',
    'a b',
    'nas;rm',
    '[::1',
    '-x@nas',
    '$(x)@nas',
    'nas/x',
    'ssh://%zz@nas',
  ])('refuses %j', (typed) => expect(() => parseAddress(typed)).toThrow());

  test('what it makes of an address it reads as the same; anything else is read or refused, never worse', () => {
    const address = fc.record(
      {
        user: fc.stringMatching(/^[a-z][a-z0-9._+@-]{0,12}$/),
        host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
        port: fc.integer({ min: 1, max: 65535 }),
      },
      { requiredKeys: ['host'] },
    );
    fc.assert(
      fc.property(address, (value) => {
        expect(parseAddress(formatAddress(value))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          const { host, user } = parseAddress(text);
          expect(host).not.toMatch(/[\s'"`$;&|<>/]|^-/);
          expect(user ?? '').not.toMatch(/[\s'"`$;&|<>/]|^-/);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});

test('patterns fit as regular expressions do', () => {
  const part = fc.constantFrom('a', 'b', '*', '?');
  fc.assert(
    fc.property(fc.array(part), fc.stringMatching(/^[ab]{0,8}$/), (parts, text) => {
      const pattern = parts.join('');
      const expression = new RegExp(`^${pattern.replaceAll(/\*+/g, '.*').replaceAll('?', '.')}$`);
      expect(fits(pattern, text)).toBe(expression.test(text));
    }),
  );
  expect(fitsList(['*.local', '!nas.local'], 'nas.local')).toBe(false);
  expect(fitsList(['*.local', '!nas.local'], 'pi.local')).toBe(true);
  const slow = `${'a*'.repeat(2000)}b`;
  expect(fits(slow, 'a'.repeat(4000))).toBe(false);
});
