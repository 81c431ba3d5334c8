import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenges.ts';

describe('WWW-Authenticate', () => {
  it('is read as registries write it', () => {
    expect(parseChallenges('Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"')).toEqual([
      { scheme: 'bearer', parameters: { realm: 'https://auth.example/token', service: 'reg', scope: 'repository:a/b:pull,push' } },
    ]);
    expect(parseChallenges('Basic realm="a \\"b\\"", Bearer realm=x, service=y')).toEqual([
      { scheme: 'basic', parameters: { realm: 'a "b"' } },
      { scheme: 'bearer', parameters: { realm: 'x', service: 'y' } },
    ]);
    expect(parseChallenges('Negotiate, Basic realm="x"').map(({ scheme }) => scheme)).toEqual(['negotiate', 'basic']);
  });

  it('gives back what was put into it', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    const value = fc.string({ unit: fc.constantFrom('a', ' ', ',', '=', '"', '\\', ':', '/', 'Bearer ') });
    const challenge = fc.record({ scheme: token, parameters: fc.dictionary(token, value, { minKeys: 1, maxKeys: 4 }) });
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 3 }), fc.constantFrom(', ', ',', ' , '), (list, separator) => {
        const header = list.map(({ scheme, parameters }) => {
          const written = Object.entries(parameters).map(([key, text]) => `${key}="${text.replace(/["\\]/g, '\\$&')}"`);
          return `${scheme} ${written.join(separator)}`;
        });
        expect(parseChallenges(header.join(separator))).toEqual(
          list.map(({ scheme, parameters }) => ({ scheme, parameters: { ...parameters } })),
        );
      }),
    );
  });

  // Node takes no answer with more than 16 KiB of headers.
  it('of any content and length is read at once', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseChallenges(text)));
    const start = performance.now();
    for (const unit of ['a', 'a=', 'a="', '\\', ' ', ',', 'a ', '="\\"']) parseChallenges(`Bearer ${unit.repeat(16_384 / unit.length)}`);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
