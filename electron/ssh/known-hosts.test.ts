import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  appendKnownHost,
  fingerprint,
  formatLine,
  type HostKey,
  hostKeyOf,
  knownTypes,
  parseLine,
  readKnownHosts,
  verdictOn,
} from './known-hosts.ts';

const hasKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined;

function keyOf(type: string, seed: string): HostKey {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return { type, blob: Buffer.concat([length, Buffer.from(type), Buffer.from(`\0\0\0\x20${seed.padEnd(32, '.')}`)]) };
}
const text = (key: HostKey) => `${key.type} ${key.blob.toString('base64')}`;
const one = keyOf('ssh-ed25519', 'one');
const two = keyOf('ssh-ed25519', 'two');
const rsa = keyOf('ssh-rsa', 'three');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-known-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
async function lines(content: string) {
  const file = join(folder, 'known_hosts');
  writeFileSync(file, content);
  return { file, read: await readKnownHosts([file, join(folder, 'none')]) };
}

test('known, new and changed; the changed line is named', async () => {
  const { file, read } = await lines(
    `# a comment\n\nnas,10.0.0.7 ${text(one)} ada@home\n*.corp,!x.corp ${text(two)}\nbroken line\n[nas]:2222 ${text(two)}\n`,
  );
  expect(verdictOn(read, 'NAS', 22, one)).toEqual({ status: 'known' });
  expect(verdictOn(read, '10.0.0.7', 22, one)).toEqual({ status: 'known' });
  expect(verdictOn(read, 'nas', 22, two)).toEqual({ status: 'changed', file, line: 3, known: one });
  expect(verdictOn(read, 'nas', 22, rsa)).toMatchObject({ status: 'changed', line: 3 });
  expect(verdictOn(read, 'a.corp', 22, two)).toEqual({ status: 'known' });
  expect(verdictOn(read, 'x.corp', 22, two)).toMatchObject({ status: 'new' });
  expect(verdictOn(read, 'pi', 22, one)).toEqual({ status: 'new', alsoAs: ['nas,10.0.0.7'] });
  expect(verdictOn(read, 'nas', 2222, two)).toEqual({ status: 'known' });
  expect(verdictOn(read, 'nas', 2222, one)).toMatchObject({ status: 'changed', line: 6 });
  // On a port without an entry of its own, the name's key will do.
  expect(verdictOn(read, 'nas', 2200, one)).toEqual({ status: 'known' });
  expect(verdictOn(read, 'nas', 2200, two)).toMatchObject({ status: 'new' });
  expect(knownTypes(read, 'nas', 22)).toEqual(['ssh-ed25519']);
});

test('a revoked key is never taken; authorities and unknown markers make no host known', async () => {
  const { file, read } = await lines(`nas ${text(one)}\n@revoked * ${text(one)}\n@cert-authority * ${text(two)}\n@odd pi ${text(rsa)}\n`);
  expect(verdictOn(read, 'nas', 22, one)).toEqual({ status: 'revoked', file, line: 2 });
  expect(verdictOn(read, 'pi', 22, two)).toMatchObject({ status: 'new' });
  expect(verdictOn(read, 'pi', 22, rsa)).toMatchObject({ status: 'new' });
});

test('what is written is found again, hashed or not, for any host and port', () => {
  const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(
      host,
      fc.integer({ min: 1, max: 65535 }),
      fc.boolean(),
      fc.uint8Array({ minLength: 8, maxLength: 64 }),
      (name, port, hashed, bytes) => {
        const key = keyOf('ssh-ed25519', Buffer.from(bytes).toString('hex'));
        const parsed = parseLine(formatLine(name, port, key, hashed));
        if (!parsed) throw new Error('unreadable');
        expect(verdictOn([{ ...parsed, file: 'f', line: 1 }], name, port, key)).toEqual({ status: 'known' });
        expect(verdictOn([{ ...parsed, file: 'f', line: 1 }], `not-${name}`, port, key)).toMatchObject({ status: 'new' });
      },
    ),
  );
});

test('no line breaks reading', () => {
  const word = fc.constantFrom(
    '@revoked',
    '|1|a|b',
    '|1|',
    'nas',
    '*',
    '!',
    ',',
    'ssh-ed25519',
    one.blob.toString('base64'),
    '#',
    '\t',
    '',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(word).map((words) => words.join(' ')),
      ),
      (content) => {
        const parsed = parseLine(content);
        if (parsed) verdictOn([{ ...parsed, file: 'f', line: 1 }], 'nas', 22, one);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      hostKeyOf(Buffer.from(bytes));
    }),
  );
});

test('appending makes folder and file for the user alone, and ends an open last line', async () => {
  const file = join(folder, 'new', 'known_hosts');
  await appendKnownHost(file, 'first');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  writeFileSync(file, 'first');
  await appendKnownHost(file, 'second');
  expect(readFileSync(file, 'utf8')).toBe('first\nsecond\n');
});

test.skipIf(!hasKeygen)('ssh-keygen finds what we wrote, we find what it hashed, and the fingerprints are the same', async () => {
  const key = join(folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const [type = '', encoded = ''] = readFileSync(`${key}.pub`, 'utf8').split(' ');
  const real: HostKey = { type, blob: Buffer.from(encoded, 'base64') };
  expect(execFileSync('ssh-keygen', ['-lf', `${key}.pub`], { encoding: 'utf8' })).toContain(fingerprint(real.blob));
  const file = join(folder, 'theirs');
  await appendKnownHost(file, formatLine('nas', 2222, real, false));
  await appendKnownHost(file, formatLine('pi', 22, real, true));
  for (const name of ['[nas]:2222', 'pi'])
    expect(execFileSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' })).toContain(encoded);
  execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
  expect(readFileSync(file, 'utf8')).not.toContain('nas');
  expect(verdictOn(await readKnownHosts([file]), 'nas', 2222, real)).toEqual({ status: 'known' });
});
