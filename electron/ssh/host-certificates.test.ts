import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostFailure } from '../hosts/errors.ts';
import type { ConnectStep } from '../ipc/contract.ts';
import { perTest } from '../testing/per-test.ts';
import { answers, MemorySecrets } from '../testing/ssh-answers.ts';
import { hasSshd, type Sshd, sshHome } from '../testing/sshd.ts';
import { parseAddress } from './address.ts';
import { parseCertificateFile } from './certificate.ts';
import { type ConnectOptions, connectSsh } from './connect.ts';
import { hostCertificateProblem } from './host-certificates.ts';
import type { SshSession } from './session.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'gantry-host-certificates-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
const { defer, sshd } = perTest();

/** A machine whose key of a type is certified. */
async function certified({
  type = 'key',
  config = [] as string[],
  ...how
}: { type?: string; config?: string[] } & Parameters<Sshd['certify']>[1] = {}) {
  const hostKeys = type === 'key' ? [] : [type];
  const server = await sshd({
    authority: true,
    hostKeys,
    config: ['ModuliFile $FOLDER/moduli', `HostCertificate $FOLDER/host_${type}-cert.pub`, ...config],
  });
  await server.stop();
  server.certify(`host_${type}`, { id: 'nas of the tests', principals: ['127.0.0.1'], ...how, more: ['-h', ...(how.more ?? [])] });
  // A group of 2048 bits: what ssh2 does by itself with one of 8192 takes seconds.
  const groups = readFileSync('/etc/ssh/moduli', 'utf8').split('\n');
  writeFileSync(server.path('moduli'), groups.filter((line) => line.split(' ')[4] === '2047').join('\n'));
  await server.listen();
  return server;
}
const keyIn = (server: Sshd, name: string) =>
  readFileSync(server.path(`${name}.pub`), 'utf8')
    .split(' ')
    .slice(0, 2)
    .join(' ');
const authority = (server: Sshd, names = '127.0.0.*', ca = 'ca') => `@cert-authority ${names} ${keyIn(server, ca)}\n`;

async function open(
  server: Sshd,
  known: string,
  more: Partial<ConnectOptions> & { lines?: string; during?: (session: SshSession) => Promise<void> } = {},
) {
  const { lines = '', during, ...rest } = more;
  const config = `Host nas\n  HostName 127.0.0.1\n  Port ${server.port}\n  User ${server.user}\n  IdentityFile ${server.path('user_key')}\n${lines}`;
  const steps: ConnectStep[] = [];
  const files = await sshHome(home, config, known);
  const options = { files, secrets: new MemorySecrets(), ask: undefined, signal: new AbortController().signal, ...rest };
  const session = await connectSsh(parseAddress('nas'), { ...options, onStep: (step) => steps.push(step) });
  defer(() => session.close());
  expect((await session.exec('echo in')).stdout).toBe('in\n');
  await during?.(session);
  return steps.find(({ kind, status }) => kind === 'hostKey' && status === 'done')?.found;
}
const failing = (connecting: Promise<unknown>) =>
  connecting.then(
    () => expect.unreachable(),
    (error: HostFailure) => error.error,
  );

describe.skipIf(!hasSshd)('machines with certificates', () => {
  test.each(['key', 'rsa', 'ecdsa'])('%s: trusted by its CA, without a question, and nothing is written', async (type) => {
    const server = await certified({ type });
    const known = authority(server, `[127.0.0.1]:${server.port}`);
    const found = await open(server, known);
    expect(found).toMatchObject({ certificate: 'nas of the tests', line: '1', file: join(home, '.ssh', 'known_hosts') });
    expect(readFileSync(join(home, '.ssh', 'known_hosts'), 'utf8')).toBe(known);
  });

  test.each(['curve25519-sha256', 'diffie-hellman-group-exchange-sha256', 'diffie-hellman-group14-sha256', 'ecdh-sha2-nistp384'])(
    'with the key exchange %s, and when keys are exchanged anew',
    async (kex) => {
      const server = await certified({ config: [`KexAlgorithms ${kex}`, 'RekeyLimit 1M', 'LogLevel DEBUG'] });
      const found = await open(server, authority(server), {
        during: async (session) => {
          const { stdout } = await session.exec('head -c 3000000 /dev/zero | tr "\\0" x', { limitBytes: 4_000_000 });
          expect(stdout).toHaveLength(3_000_000);
        },
      });
      expect(found).toHaveProperty('certificate');
      expect(server.log.match(/SSH2_MSG_NEWKEYS received/g)?.length).toBeGreaterThan(2);
    },
  );

  test('by a wildcard, a hashed name, a name without its port, or HostKeyAlias', async () => {
    const server = await certified({ principals: ['127.0.0.1', 'nas.corp'] });
    for (const names of ['*', '127.0.0.1', `[127.0.0.*]:${server.port}`])
      expect(await open(server, authority(server, names))).toHaveProperty('certificate');
    const alias = await open(server, authority(server, '*.corp'), { lines: '  HostKeyAlias nas.corp\n' });
    expect(alias).toHaveProperty('certificate');
    expect(await failing(open(server, authority(server, '127.*'), { lines: '  HostKeyAlias nas.corp\n' }))).toMatchObject({
      code: 'ssh-key-new',
    });
  });

  test('a certificate that does not count is told; the key alone does then, as with ssh', async () => {
    const server = await certified({ principals: ['other'] });
    expect(await failing(open(server, authority(server)))).toMatchObject({
      code: 'ssh-host-certificate',
      values: { principals: 'other', name: '127.0.0.1' },
    });
    const ask = answers('yes');
    expect(await open(server, authority(server), { ask })).toHaveProperty('added');
    expect(ask.asked).toMatchObject([{ kind: 'hostKey', certificate: { id: 'nas of the tests', problem: 'name' } }]);
    expect(await open(server, authority(server) + server.knownLine())).not.toHaveProperty('certificate');
    const late = await certified({ valid: '-2h:-1h' });
    expect(await failing(open(late, authority(late)))).toMatchObject({ code: 'ssh-host-certificate-expired' });
  });

  test('of another CA it is nothing but a key; a revoked CA or key is refused', async () => {
    const server = await certified();
    server.newKey('other_ca');
    expect(await failing(open(server, authority(server, '*', 'other_ca')))).toMatchObject({ code: 'ssh-key-new' });
    expect(await open(server, authority(server, '*', 'other_ca') + server.knownLine())).not.toHaveProperty('certificate');
    const revoked = (name: string) => `${authority(server)}${server.knownLine()}@revoked * ${keyIn(server, name)}\n`;
    for (const name of ['ca', 'host_key']) {
      expect(await failing(open(server, revoked(name)))).toMatchObject({ code: 'ssh-key-revoked', values: { line: '3' } });
    }
  });

  test('a signature that is not the CA’s, a user’s certificate, conditions', async () => {
    const server = await certified();
    const certificate = parseCertificateFile(readFileSync(server.path('host_key-cert.pub')));
    if (!certificate) return expect.unreachable();
    expect(hostCertificateProblem(certificate, '127.0.0.1')).toBeUndefined();
    for (let at = 0; at < certificate.signed.length; at += 7) {
      const signed = Buffer.from(certificate.signed);
      signed[at] = (signed[at] ?? 0) ^ 1;
      expect(hostCertificateProblem({ ...certificate, signed }, '127.0.0.1')).toBe('signature');
    }
    expect(hostCertificateProblem({ ...certificate, signature: Buffer.from('x') }, '127.0.0.1')).toBe('signature');
    expect(hostCertificateProblem({ ...certificate, kind: 'user' }, '127.0.0.1')).toBe('kind');
    expect(hostCertificateProblem({ ...certificate, hasCriticalOptions: true }, '127.0.0.1')).toBe('options');
    expect(hostCertificateProblem({ ...certificate, principals: [] }, 'any')).toBeUndefined();
    for (const type of ['rsa', 'ecdsa']) {
      server.newKey('another', { type });
      server.certify('host_key', { ca: 'another', principals: ['nas'], more: ['-h'] });
      const by = parseCertificateFile(readFileSync(server.path('host_key-cert.pub')));
      expect(by && hostCertificateProblem(by, 'NAS')).toBeUndefined();
    }
  });
});

describe.skipIf(!hasSshd)('StrictHostKeyChecking', () => {
  test('yes refuses what is not known; accept-new writes it, and a changed key stops all the same', async () => {
    const server = await sshd();
    const ask = answers();
    expect(await failing(open(server, '', { ask, lines: '  StrictHostKeyChecking yes\n' }))).toMatchObject({ code: 'ssh-key-strict' });
    for (const word of ['accept-new', 'no']) {
      expect(await open(server, '', { ask, lines: `  StrictHostKeyChecking ${word}\n` })).toHaveProperty('added');
      expect(readFileSync(join(home, '.ssh', 'known_hosts'), 'utf8')).toBe(server.knownLine().trimEnd().concat('\n'));
      server.newKey('other');
      const changed = server.knownLine('other');
      expect(await failing(open(server, changed, { lines: `  StrictHostKeyChecking ${word}\n` }))).toMatchObject({
        code: 'ssh-key-changed',
      });
    }
    expect(ask.asked).toEqual([]);
  });

  test('HostKeyAlias stands in known_hosts without a port, and its key may not change', async () => {
    const server = await sshd();
    const lines = '  HostKeyAlias nas\n';
    await open(server, '', { ask: answers('yes'), lines });
    expect(readFileSync(join(home, '.ssh', 'known_hosts'), 'utf8')).toBe(`nas ${keyIn(server, 'host_key')}\n`);
    server.newKey('other');
    const other = `nas ${keyIn(server, 'other')}\n`;
    expect(await failing(open(server, other, { ask: answers('yes'), lines }))).toMatchObject({ code: 'ssh-key-changed' });
  });
});
