import { describe, expect, it } from 'vitest';
import { proxyFor } from './proxy.ts';

const through = (url: string, environment: Record<string, string>): string | undefined => proxyFor(new URL(url), environment)?.href;

describe('the proxy of a request', () => {
  it('is that of its protocol, in either case of letters, with http where no protocol is said', () => {
    const environment = { HTTP_PROXY: 'http://a:1', https_proxy: 'b:2' };
    expect(through('http://x.test/', environment)).toBe('http://a:1/');
    expect(through('https://x.test/', environment)).toBe('http://b:2/');
    expect(through('https://x.test/', { HTTP_PROXY: 'http://a:1' })).toBeUndefined();
  });

  it('is none for this machine', () => {
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9:5000', '[::1]:5000']) {
      expect(through(`http://${host}/`, { HTTP_PROXY: 'http://a:1' })).toBeUndefined();
    }
  });

  it.each([
    ['x.test', 'x.test', true],
    ['a.x.test', 'x.test', true],
    ['x.test', '.x.test', false],
    ['a.x.test', '.x.test', true],
    ['a.x.test', '*.x.test', true],
    ['ax.test', 'x.test', false],
    ['x.test', 'y.test, x.test', true],
    ['X.test', 'x.TEST', true],
    ['x.test:5000', 'x.test:5000', true],
    ['x.test:5000', 'x.test:5001', false],
    ['x.test', 'x.test:80', true],
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.30', '10.1.2.3', false],
    ['[fd00::1]:5000', 'fd00::/8', true],
    ['[fd00::1]:5000', 'fd00::1', true],
    ['[fd00::1]:5000', '[fd00::1]:5000', true],
    ['x.test', '10.0.0.0/8', false],
    ['x.test', '*', true],
    ['x.test', '', false],
    ['x.test', 'nonsense/nonsense,10.0.0.0/99', false],
  ])('%s with NO_PROXY=%s goes straight: %s', (host, list, straight) => {
    expect(through(`http://${host}/`, { HTTP_PROXY: 'http://a:1', NO_PROXY: list }) === undefined).toBe(straight);
  });

  it('that is no address is told, without its password', () => {
    expect(() => through('http://x.test/', { HTTP_PROXY: 'http://me:secret@:::' })).toThrow(
      /^invalid proxy address "http:\/\/xxxxx:xxxxx@/,
    );
  });
});
