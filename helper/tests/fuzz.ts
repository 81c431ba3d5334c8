import http from 'node:http';
import fc from 'fast-check';
import type { Shape } from '../api/decode.ts';
import { allRoutes } from '../api/routes/index.ts';
import { SHAPES } from '../api/shapes.ts';
import { BASE } from './base-image.ts';

/** Requests that nobody writes on purpose: any route, any version, parameters and bodies of the right and the wrong kind. */
export interface FuzzRequest {
  method: string;
  target: string;
  /** Text as it is sent; undefined: none. */
  body: string | undefined;
}

/** Words that get past the first check. No absolute paths but of these: engines make folders for binds. */
const WORDS = [
  ...['box', 'run', 'net', 'vol', BASE, 'localhost:1/none:1', 'none', 'bridge', 'host', 'default', 'container:box', 'nobody'],
  ...[
    '',
    '0',
    '1',
    '-1',
    'true',
    'false',
    '64m',
    'KILL',
    'SIGTERM',
    '15',
    '80/tcp',
    '80',
    '99999/udp',
    '127.0.0.1',
    '::1',
    '10.123.0.0/24',
  ],
  ...[
    'local',
    'json-file',
    'private',
    'shareable',
    'unless-stopped',
    'on-failure',
    'sh',
    'sleep',
    'CMD',
    'ALL',
    'NET_ADMIN',
    '/dev/null:/dev/x:rwm',
  ],
  ...[
    'vol:/data',
    'vol:/data:ro',
    ':',
    '/',
    '..',
    '/tmp/../x',
    'a=b',
    'name=',
    '{}',
    '[]',
    '{"label":["x"]}',
    '{"name":{"a":true}}',
    '2026-01-01',
    '10m',
    '%00',
  ],
];
/** Every query parameter of the API, and one that is none. */
const PARAMETERS = [
  ...[
    'all',
    'author',
    'changes',
    'comment',
    'condition',
    'container',
    'copyUIDGID',
    'detachKeys',
    'digests',
    'filters',
    'follow',
    'force',
    'fromImage',
  ],
  ...[
    'fromSrc',
    'h',
    'limit',
    'link',
    'logs',
    'manifests',
    'message',
    'name',
    'names',
    'noOverwriteDirNonDir',
    'noprune',
    'one-shot',
    'path',
    'pause',
  ],
  ...[
    'platform',
    'ps_args',
    'quiet',
    'repo',
    'shared-size',
    'signal',
    'since',
    'size',
    'stderr',
    'stdin',
    'stdout',
    'stream',
    't',
    'tag',
    'tail',
    'term',
  ],
  ...['timestamps', 'type', 'until', 'v', 'verbose', 'version', 'w', 'nonsense'],
];

const junk = fc.string({ maxLength: 12, unit: 'grapheme' }).filter((text) => !text.startsWith('/') && !/:\//.test(text));
const word = fc.oneof({ arbitrary: fc.constantFrom(...WORDS), weight: 8 }, { arbitrary: junk, weight: 2 });
const number = fc.oneof(fc.integer({ min: -2, max: 100 }), fc.constantFrom(2 ** 31, -(2 ** 31), 2 ** 53, 1e300, 0.5));
const any = fc.oneof(
  word,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.array(word, { maxLength: 2 }),
  fc.dictionary(word, word, { maxKeys: 2 }),
);

/** Mostly what `shape` says, with some fields only; now and then something else. */
function ofShape(shape: Shape, depth = 0): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: right(shape, depth), weight: 24 }, { arbitrary: any, weight: 1 });
}

function right(shape: Shape, depth: number): fc.Arbitrary<unknown> {
  if (shape === 'string') return word;
  if (shape === 'bool') return fc.boolean();
  if (shape === 'int') return number;
  if (shape === 'words') return fc.oneof(word, fc.array(word, { maxLength: 3 }));
  if (shape === 'any' || depth > 5) return any;
  if ('list' in shape) return fc.array(ofShape(shape.list, depth + 1), { maxLength: 2 });
  if ('map' in shape) return fc.dictionary(word, ofShape(shape.map, depth + 1), { maxKeys: 2 });
  const fields = Object.entries(shape.struct);
  return fc
    .subarray(fields, { maxLength: Math.min(6, fields.length) })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map(([name, field]) => [name, ofShape(field, depth + 1)]))));
}

const BODIES: Record<string, Shape> = {
  'POST /containers/create': SHAPES.containerCreate,
  'POST /containers/:name/update': SHAPES.containerUpdate,
  'POST /containers/:name/exec': SHAPES.execCreate,
  'POST /exec/:id/start': SHAPES.execStart,
  'POST /networks/create': SHAPES.networkCreate,
  'POST /networks/:name/connect': SHAPES.networkConnect,
  'POST /networks/:name/disconnect': SHAPES.networkDisconnect,
  'POST /volumes/create': SHAPES.volumeCreate,
  'POST /commit': SHAPES.containerConfig,
  'POST /auth': SHAPES.auth,
};
/** A container needs its image to get anywhere. */
const withImage = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && !Array.isArray(body) ? { Image: BASE, ...body } : body;

function bodyFor(key: string): fc.Arbitrary<string | undefined> {
  const shape = BODIES[key];
  if (!shape)
    return fc.oneof({ arbitrary: fc.constant(undefined), weight: 3 }, { arbitrary: any.map((value) => JSON.stringify(value)), weight: 1 });
  const whole = ofShape(shape).map((value) => JSON.stringify(key === 'POST /containers/create' ? withImage(value) : value));
  return fc.oneof(
    { arbitrary: whole, weight: 20 },
    { arbitrary: whole.map((text) => text.slice(0, -1)), weight: 1 },
    { arbitrary: fc.constantFrom(undefined, '', '[', '{"a":1}{'), weight: 1 },
  );
}

const version = fc.oneof(
  fc.constant(''),
  fc.integer({ min: 24, max: 50 }).map((minor) => `/v1.${minor}`),
  fc.constantFrom('/v1.99', '/v0', '/v1.x'),
);
const query = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...PARAMETERS), fc.oneof(word, number.map(String))), { maxLength: 4, selector: ([name]) => name })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&'));

/** @param keep whether a route is to be asked */
export function requests(keep: (key: string) => boolean): fc.Arbitrary<FuzzRequest> {
  const routes = allRoutes().filter(({ method, path }) => keep(`${method} ${path}`));
  return fc.constantFrom(...routes).chain(({ method, path }) => {
    const key = `${method} ${path}`;
    const names = path.match(/:\w+/g) ?? [];
    return fc.tuple(version, fc.tuple(...names.map(() => word)), query, bodyFor(key)).map(([prefix, values, search, body]) => {
      const filled = names.reduce((text, name, at) => text.replace(name, encodeURIComponent(values[at] ?? '') || 'x'), path);
      return { method, target: `${prefix}${filled}${search ? `?${search}` : ''}`, body };
    });
  });
}

/**
 * Sends a request and reads its answer; of one that may go on for ever (it has no length) that it has begun is enough.
 * @returns the status, 0 when the connection broke; the body's beginning
 * @throws when it is not answered within `limitMs`
 */
export function send(
  socketPath: string,
  { method, target, body }: FuzzRequest,
  limitMs = 20_000,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    let text = '';
    let status = 0;
    const done = (): void => {
      clearTimeout(timer);
      sent.destroy();
      resolve({ status, text });
    };
    const timer = setTimeout(() => {
      sent.destroy();
      reject(new Error(`no answer to ${method} ${target} ${body ?? ''}`));
    }, limitMs);
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const sent = http.request({ socketPath, method, path: target, headers, agent: false });
    sent.on('response', (response) => {
      status = response.statusCode ?? 0;
      if (status < 400 && response.headers['content-length'] === undefined) return done();
      response.on('data', (chunk) => {
        if (text.length < 4000) text += chunk;
      });
      response.on('close', done);
    });
    sent.on('upgrade', (response, socket) => {
      status = response.statusCode ?? 0;
      socket.destroy();
      done();
    });
    sent.on('error', done);
    sent.end(body);
  });
}
