import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteWords } from '../../lib/words.ts';
import { createRequest, emptySpec, formatRun, parseMemory, parsePort, parseRun, type RunSpec, splitWords } from './command.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const word = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,10}$/);
const path = word.map((w) => `/${w}`);
const spec: fc.Arbitrary<RunSpec> = fc.record({
  image: word,
  name: fc.oneof(fc.constant(''), word),
  command: fc.array(text, { maxLength: 4 }),
  entrypoint: fc.oneof(fc.constant(''), path),
  tty: fc.boolean(),
  interactive: fc.boolean(),
  autoRemove: fc.boolean(),
  ports: fc.array(
    fc.record({
      ip: fc.constantFrom('', '127.0.0.1', '::1'),
      host: fc.oneof(fc.constant(''), fc.integer({ min: 1, max: 65535 }).map(String)),
      container: fc.integer({ min: 1, max: 65535 }).map(String),
      protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    }),
    { maxLength: 3 },
  ),
  env: fc.array(fc.record({ name: fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/), value: text }), { maxLength: 3 }),
  mounts: fc.array(fc.record({ source: fc.oneof(path, word), target: path, readOnly: fc.boolean() }), { maxLength: 2 }),
  restart: fc.constantFrom('no' as const, 'always' as const, 'unless-stopped' as const, 'on-failure' as const),
  memory: fc.constantFrom('', '512m', '2g'),
  cpus: fc.constantFrom('', '1.5'),
  workdir: fc.oneof(fc.constant(''), path),
  user: fc.oneof(fc.constant(''), word),
  hostname: fc.oneof(fc.constant(''), word),
  network: fc.constantFrom('', 'none', 'host'),
});

describe('the docker run line', () => {
  it('says all that the form says, and is read back as the same', () => {
    fc.assert(
      fc.property(spec, (given) => {
        const { spec: read, ignored } = parseRun(formatRun(given));
        expect(ignored).toEqual([]);
        expect(read).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });
  it('quotes any words so that they are split into the same', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'binary', maxLength: 10 }).filter((s) => !s.includes('\0')),
          { maxLength: 5 },
        ),
        (words) => {
          expect(splitWords(quoteWords(words))).toEqual(words);
        },
      ),
      { numRuns: 500 },
    );
  });
  it('takes what people paste', () => {
    const { spec: read, ignored } = parseRun(`sudo docker run -dit --name=web \\
      -p8080:80 -p 127.0.0.1:53:53/udp -e "A=b c" --env PATH=$HOME/bin \\
      --mount type=bind,src=/data,dst=/d,readonly -v cache:/c --restart unless-stopped --gpus all --privileged nginx:1.27 nginx -g 'daemon off;' # web`);
    expect(read).toMatchObject({
      image: 'nginx:1.27',
      name: 'web',
      tty: true,
      interactive: true,
      command: ['nginx', '-g', 'daemon off;'],
      ports: [
        { ip: '', host: '8080', container: '80', protocol: 'tcp' },
        { ip: '127.0.0.1', host: '53', container: '53', protocol: 'udp' },
      ],
      env: [
        { name: 'A', value: 'b c' },
        { name: 'PATH', value: '$HOME/bin' },
      ],
      mounts: [
        { source: '/data', target: '/d', readOnly: true },
        { source: 'cache', target: '/c', readOnly: false },
      ],
      restart: 'unless-stopped',
    });
    expect(ignored).toEqual(['--gpus all', '--privileged']);
  });
  it('refuses other lines', () => {
    expect(() => parseRun('apt-get install docker')).toThrow(SyntaxError);
    expect(() => parseRun('run nginx')).toThrow(SyntaxError);
  });
});

it('reads memory as docker does', () => {
  expect(parseMemory('512m')).toBe(512 * 1024 ** 2);
  expect(parseMemory('1.5 GiB')).toBe(1.5 * 1024 ** 3);
  expect(parseMemory('100')).toBe(100);
  expect(parseMemory('lots')).toBeUndefined();
});

it('reads ports', () => {
  expect(parsePort('80')).toEqual({ ip: '', host: '', container: '80', protocol: 'tcp' });
  expect(parsePort('[::1]:8080:80')).toEqual({ ip: '::1', host: '8080', container: '80', protocol: 'tcp' });
  expect(parsePort('8000-8010:80')).toBeUndefined();
});

it('makes a create request', () => {
  expect(
    createRequest({
      ...emptySpec,
      image: 'a',
      ports: [{ ip: '', host: '8080', container: '80', protocol: 'tcp' }],
      memory: '1g',
      cpus: '0.5',
      mounts: [{ source: '', target: '/x', readOnly: false }],
    }),
  ).toMatchObject({
    Image: 'a',
    Volumes: { '/x': {} },
    ExposedPorts: { '80/tcp': {} },
    HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }, Memory: 1024 ** 3, NanoCpus: 5e8, Binds: [] },
  });
});
