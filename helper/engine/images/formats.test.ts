import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFailure } from '../failure.ts';
import { imageConfig } from './config.ts';
import { choosePlatform, hostPlatform, parseIndex, parseManifest, parsePlatform, platformText } from './manifest.ts';
import { parseConfig } from './record.ts';
import { familiar, format, parseAny, parseNamed, parseRepositoryTag, withDefaultTag } from './references.ts';

/** What strangers send: it is understood, or refused by a Failure with a reason. Nothing else, and soon. */
function understood<T>(parse: () => T): T | undefined {
  const start = performance.now();
  try {
    return parse();
  } catch (error) {
    if (!isFailure(error)) throw error;
    expect(error.message).not.toBe('');
    return undefined;
  } finally {
    expect(performance.now() - start).toBeLessThan(1000);
  }
}

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const component = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,6}$/), { minLength: 1, maxLength: 3 })
  .chain((words) => fc.constantFrom('.', '_', '__', '-', '---').map((separator) => words.join(separator)));
const named = fc
  .record({
    domain: fc.constantFrom(
      '',
      'localhost/',
      'localhost:5000/',
      'docker.io/',
      'index.docker.io/',
      'a.b.c:1/',
      '[::1]:5000/',
      '127.0.0.1/',
      'HOST/',
    ),
    path: fc.array(component, { minLength: 1, maxLength: 4 }),
    tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)),
    digest: fc.option(fc.constant(DIGEST)),
  })
  .map(({ domain, path, tag, digest }) => `${domain}${path.join('/')}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`);

describe('image references', () => {
  it('of the grammar are parsed, and written they are the same one', () => {
    fc.assert(
      fc.property(named, (text) => {
        const reference = parseNamed(text);
        expect(parseNamed(format(reference))).toEqual(reference);
        // A first component on Docker Hub that looks like a host is ambiguous in Docker's short form, too.
        const ambiguous = reference.domain === 'docker.io' && /^[^/]*[.:]/.test(familiar(reference).replace(/[:@][^/]*$/, ''));
        if (!ambiguous) expect(parseNamed(familiar(reference))).toEqual(reference);
        expect(withDefaultTag(withDefaultTag(reference))).toEqual(withDefaultTag(reference));
      }),
    );
  });

  it('are never more than refused, and nothing that is taken can be a path', () => {
    const pieces = fc.array(
      fc.constantFrom(
        'a',
        'A',
        '/',
        ':',
        '@',
        '.',
        '..',
        '_',
        '-',
        '[',
        ']',
        '::1',
        ' ',
        '\0',
        '\n',
        '%2e',
        DIGEST,
        'sha256:',
        '0'.repeat(64),
      ),
      {
        maxLength: 9,
      },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((list) => list.join('')),
        ),
        fc.string({ maxLength: 10 }),
        (text, tag) => {
          for (const reference of [understood(() => parseNamed(text)), understood(() => parseRepositoryTag(text, tag))]) {
            if (reference) expect(format(reference)).not.toMatch(/(^|\/)\.\.?(\/|$)|[\0\s%]|\/\//);
          }
          understood(() => parseAny(text));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of any length are judged at once', () => {
    for (const unit of ['a', 'a.', 'a_', 'a__', '-', 'a-', 'a/', '.', 'a:', 'a@', '[', '0', 'sha256:']) {
      for (const end of ['', '!', ':', '@', '/']) understood(() => parseNamed(unit.repeat(200_000) + end));
    }
  });
});

const json = fc.oneof(
  fc.json(),
  fc
    .record(
      {
        schemaVersion: fc.anything(),
        mediaType: fc.oneof(fc.string(), fc.anything()),
        config: fc.oneof(
          fc.record({ digest: fc.constantFrom(DIGEST, 'sha256:../../etc', 5), size: fc.oneof(fc.integer(), fc.double()) }),
          fc.anything(),
        ),
        layers: fc.oneof(fc.array(fc.record({ digest: fc.constant(DIGEST), size: fc.integer() })), fc.anything()),
        manifests: fc.oneof(
          fc.array(
            fc.record(
              {
                digest: fc.constant(DIGEST),
                size: fc.nat(),
                platform: fc.oneof(
                  fc.record({
                    os: fc.constantFrom<unknown>('linux', 5, null, {}),
                    architecture: fc.constantFrom<unknown>('amd64', [], true),
                  }),
                  fc.anything(),
                ),
                annotations: fc.oneof(fc.dictionary(fc.string(), fc.anything()), fc.anything()),
              },
              { requiredKeys: ['digest', 'size'] },
            ),
          ),
          fc.anything(),
        ),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value) ?? ''),
);

describe('manifests and indexes', () => {
  it('are never more than refused, and descriptors are whole', () => {
    fc.assert(
      fc.property(json, (text) => {
        const data = Buffer.from(text);
        const manifest = understood(() => parseManifest(data));
        for (const { digest, size } of manifest ? [manifest.config, ...manifest.layers] : []) {
          expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
          expect(size).toBeGreaterThanOrEqual(0);
        }
        const index = understood(() => parseIndex(data));
        if (index) understood(() => choosePlatform(index, hostPlatform()));
      }),
      { numRuns: 500 },
    );
  });

  it('that can be read as either are refused', () => {
    const descriptor = { digest: DIGEST, size: 1 };
    const both = Buffer.from(JSON.stringify({ config: descriptor, layers: [descriptor], manifests: [descriptor] }));
    expect(() => parseManifest(both)).toThrow('manifest list as well');
  });

  it('platforms are read in every spelling, and written they are the same one', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom('linux/arm/7', 'LINUX/AArch64', 'x86_64', 'windows', 'linux/arm64/v8')), (text) => {
        const platform = understood(() => parsePlatform(text));
        if (platform) expect(parsePlatform(platformText(platform))).toEqual(platform);
      }),
    );
  });
});

describe('image configs', () => {
  const some = fc.oneof(fc.anything({ maxDepth: 2 }), fc.constantFrom<unknown>(null, 'text', ['a'], { a: 'b' }, 5, true));
  const config = fc.record(
    Object.fromEntries(
      ['User', 'Env', 'Cmd', 'Entrypoint', 'Labels', 'Volumes', 'ExposedPorts', 'Healthcheck', 'WorkingDir', 'StopTimeout', 'Shell'].map(
        (key) => [key, some],
      ),
    ),
    { requiredKeys: [] },
  );
  const file = fc
    .record(
      {
        architecture: some,
        os: some,
        created: fc.oneof(some, fc.constantFrom('2026-01-02T03:04:05.123456789Z', 'yesterday')),
        author: some,
        config: fc.oneof(some, config),
        rootfs: fc.oneof(some, fc.record({ diff_ids: fc.oneof(some, fc.array(fc.constantFrom<unknown>(DIGEST, [DIGEST], 'sha256:x'))) })),
        history: fc.oneof(some, fc.array(fc.record({ created: some, created_by: some, empty_layer: some }, { requiredKeys: [] }))),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value));

  it('are refused, or have the types that all readers rely on', () => {
    fc.assert(
      fc.property(fc.oneof(file, fc.json()), (text) => {
        const parsed = understood(() => parseConfig(Buffer.from(text)));
        if (!parsed) return;
        expect([typeof parsed.os, typeof parsed.architecture]).toEqual(['string', 'string']);
        for (const diffId of parsed.rootfs.diff_ids) expect(diffId).toMatch(/^sha256:[0-9a-f]{64}$/);
        const { Env, Cmd, Labels, User } = imageConfig(parsed.config);
        for (const list of [Env, Cmd]) for (const word of list ?? []) expect(typeof word).toBe('string');
        for (const value of Object.values(Labels ?? {})) expect(typeof value).toBe('string');
        expect(['string', 'undefined']).toContain(typeof User);
        for (const step of parsed.history ?? []) if (step.created) expect(Date.parse(step.created)).not.toBeNaN();
      }),
      { numRuns: 1000 },
    );
  });

  it('as builders write them are taken: null for what is absent, one word for a command', () => {
    const { config, history } = parseConfig(
      Buffer.from(
        JSON.stringify({
          os: 'linux',
          architecture: 'amd64',
          author: null,
          config: { Cmd: 'sh', Env: null, Labels: null },
          rootfs: { diff_ids: [DIGEST] },
          history: null,
        }),
      ),
    );
    expect(config).toEqual({ Cmd: ['sh'] });
    expect(history).toBeUndefined();
  });

  it('that are refused say which field is wrong', () => {
    expect(() => parseConfig(Buffer.from('{"config":{"Labels":{"a":1}}}'))).toThrow(/invalid image config: config\.Labels\.a: .*string/);
  });
});
