import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostFailure } from '../hosts/errors.ts';
import type { ConnectStep } from '../ipc/contract.ts';
import { perTest } from '../testing/per-test.ts';
import { answers, MemorySecrets } from '../testing/ssh-answers.ts';
import { hasSshd, type Sshd, sshHome } from '../testing/sshd.ts';
import { parseAddress } from './address.ts';
import { minuteOf, parseCertificate, parseCertificateFile, timeOf } from './certificate.ts';
import { type ConnectOptions, connectSsh } from './connect.ts';
import type { SshSession } from './session.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'gantry-certificates-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
const { defer, sshd } = perTest();

/** A machine that trusts a CA of its own, and no plain key. */
const trusting = (config: string[] = []): Promise<Sshd> => sshd({ authority: true, config });
const nas = (server: Sshd, lines: string) =>
  `Host nas\n  HostName 127.0.0.1\n  Port ${server.port}\n  User ${server.user}\n${lines
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('')}`;
async function open(server: Sshd, lines: string, more: Partial<ConnectOptions> & { env?: NodeJS.ProcessEnv } = {}): Promise<SshSession> {
  const { env, ...rest } = more;
  const files = await sshHome(home, nas(server, lines), server.knownLine(), env);
  const options = { files, secrets: new MemorySecrets(), ask: undefined, signal: new AbortController().signal, ...rest };
  const session = await connectSsh(parseAddress('nas'), options);
  defer(() => session.close());
  return session;
}
const refused = async (connecting: Promise<unknown>) =>
  (await connecting.then(
    () => expect.unreachable(),
    (error: HostFailure) => error.error,
  )) as HostFailure['error'];
const signedInBy = (steps: ConnectStep[]) => steps.find(({ kind, status }) => kind === 'signIn' && status === 'done')?.found;

describe.skipIf(!hasSshd)('a machine that takes certificates only', () => {
  test.each(['ed25519', 'rsa', 'ecdsa'])('%s, by CertificateFile, with what the certificate says in the steps', async (type) => {
    const server = await trusting();
    server.newKey('me', { type });
    const certificate = server.certify('me', { id: 'ada@corp', principals: ['ops', server.user] });
    copyFileSync(certificate, server.path('elsewhere.pub'));
    const steps: ConnectStep[] = [];
    const lines = `IdentityFile ${server.path('me')}\nCertificateFile ${server.path('elsewhere.pub')}`;
    const session = await open(server, lines, { onStep: (step) => steps.push(step) });
    expect((await session.exec('echo in')).stdout).toBe('in\n');
    const until = parseCertificateFile(readFileSync(certificate))?.validUntil as Date;
    const facts = {
      key: server.path('elsewhere.pub'),
      certificate: 'ada@corp',
      principals: `ops, ${server.user}`,
      until: minuteOf(until),
    };
    expect(steps.filter(({ kind }) => kind === 'certificate').map(({ status, found }) => [status, found])).toEqual([
      ['running', facts],
      ['done', facts],
    ]);
    expect(signedInBy(steps)).toMatchObject({ ...facts, method: 'sshCertificate', user: server.user });
    expect(server.log).toMatch(/Accepted certificate ID "ada@corp"/);
  });

  test('the one that lies beside a key, which is locked; asked for once', async () => {
    const server = await trusting();
    server.newKey('me', { passphrase: 'secret' });
    server.certify('me');
    const ask = answers('secret');
    await open(server, `IdentityFile ${server.path('me')}`, { ask });
    expect(ask.asked).toMatchObject([{ kind: 'passphrase', path: server.path('me') }]);
  });

  test('what an agent holds: certificate and key, or the key alone for a CertificateFile', async () => {
    const server = await trusting();
    const socket = join(home, 'agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    defer(() => agent.kill());
    const env = { SSH_AUTH_SOCK: socket };
    const add = (...args: string[]) => execFileSync('ssh-add', ['-q', ...args], { env: { ...process.env, ...env }, stdio: 'ignore' });
    await expect.poll(() => listens(() => add('-D'))).toBe(true);
    for (const type of ['rsa', 'ecdsa', 'ed25519']) {
      const name = `held-${type}`;
      server.newKey(name, { type });
      server.certify(name);
      add('-D');
      add(server.path(name));
      rmSync(server.path(name));
      const steps: ConnectStep[] = [];
      await open(server, 'IdentityFile none', { env, onStep: (step) => steps.push(step) });
      expect(signedInBy(steps)).toMatchObject({ key: `test ${name}`, certificate: `${name} of the tests` });
    }
    server.newKey('plain');
    add('-D');
    add(server.path('plain'));
    rmSync(server.path('plain'));
    await open(server, `IdentitiesOnly yes\nIdentityFile ${server.path('plain')}\nCertificateFile ${server.certify('plain')}`, { env });
  });

  test('one that has expired, and one that is not valid yet, are told as such', async () => {
    const server = await trusting();
    server.newKey('me');
    const lines = `IdentityFile ${server.path('me')}`;
    server.certify('me', { id: 'old', valid: '20200101:20200201' });
    const steps: ConnectStep[] = [];
    expect(await refused(open(server, lines, { onStep: (step) => steps.push(step) }))).toMatchObject({
      code: 'ssh-certificate-expired',
      values: { certificate: 'old', key: server.path('me-cert.pub'), until: expect.stringMatching(/^2020-0[12]-\d\d \d\d:\d\d$/) },
    });
    expect(steps.filter(({ kind }) => kind === 'certificate').at(-1)).toMatchObject({ status: 'failed', found: { time: 'expired' } });
    server.certify('me', { id: 'young', valid: '20900101:20910101' });
    expect(await refused(open(server, lines))).toMatchObject({
      code: 'ssh-certificate-not-yet',
      values: { certificate: 'young', from: expect.stringMatching(/^(2089|2090)-/) },
    });
  });

  test('a host that also asks for a password says in the background why the certificate did not do', async () => {
    const server = await trusting(['PasswordAuthentication yes']);
    server.newKey('me');
    server.certify('me', { valid: '20200101:20200201' });
    expect((await refused(open(server, `IdentityFile ${server.path('me')}`))).code).toBe('ssh-certificate-expired');
  });

  test('for somebody else, or of another CA: who it is for and who signed it is said', async () => {
    const server = await trusting();
    server.newKey('me');
    const lines = `IdentityFile ${server.path('me')}`;
    server.certify('me', { id: 'bob', principals: ['bob', '\u202elive'] });
    const authority = (name: string) => execFileSync('ssh-keygen', ['-lf', server.path(name)], { encoding: 'utf8' }).split(' ')[1];
    expect(await refused(open(server, lines))).toMatchObject({
      code: 'ssh-certificate-refused',
      values: { principals: 'bob, live', authority: authority('ca.pub'), user: server.user },
    });
    server.newKey('other-ca');
    server.certify('me', { ca: 'other-ca' });
    expect(await refused(open(server, lines))).toMatchObject({ values: { authority: authority('other-ca.pub') } });
    // The plain key is offered first, as by ssh.
    server.allow('me');
    await open(server, lines);
  });

  test('AuthorizedPrincipalsFile', async () => {
    const server = await trusting(['AuthorizedPrincipalsFile $FOLDER/principals']);
    server.newKey('me');
    server.certify('me', { principals: ['ops'] });
    const lines = `IdentityFile ${server.path('me')}`;
    writeFileSync(server.path('principals'), 'admins\n');
    expect((await refused(open(server, lines))).code).toBe('ssh-certificate-refused');
    writeFileSync(server.path('principals'), 'admins\nops\n');
    await open(server, lines);
  });

  test('what is no certificate, or of a machine, or has no key, is said beside why nothing worked', async () => {
    const server = await trusting();
    server.newKey('me');
    server.newKey('far');
    server.certify('me', { more: ['-h'] });
    server.certify('far');
    const files = ['me.pub', 'me-cert.pub', 'far-cert.pub', 'nowhere'].map((name) => `CertificateFile ${server.path(name)}`);
    const { code, detail } = await refused(open(server, [`IdentityFile ${server.path('me')}`, ...files].join('\n')));
    expect(code).toBe('ssh-keys-refused');
    expect(detail?.split('\n')).toEqual([
      expect.stringMatching(/authentication methods failed/),
      `${server.path('me.pub')}: is no certificate that Gantry knows`,
      `${server.path('me-cert.pub')}: is a certificate of a machine, not of a user`,
      `${server.path('far-cert.pub')}: its key is neither in the agent nor in a file that is named`,
      `${server.path('nowhere')}: does not exist`,
    ]);
  });

  test('a certificate, and then a question, where the machine wants both', async () => {
    const server = await trusting(['AuthenticationMethods publickey,publickey']);
    server.newKey('me');
    server.newKey('second');
    server.certify('me');
    server.allow('second');
    await open(server, `IdentityFile ${server.path('me')}\nIdentityFile ${server.path('second')}`);
  });
});

function listens(attempt: () => void): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasSshd)('what a certificate says', () => {
  let blob: Buffer;
  beforeAll(() => {
    const at = (name: string) => join(home, name);
    for (const name of ['ca', 'key']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
    execFileSync('ssh-keygen', ['-q', '-s', at('ca'), '-I', 'all fields', '-n', 'a,b', '-O', 'force-command=ls', `${at('key')}.pub`], {
      stdio: 'ignore',
    });
    blob = Buffer.from(readFileSync(at('key-cert.pub'), 'utf8').split(' ')[1] ?? '', 'base64');
  });

  test('all of it; one without an end is always valid', () => {
    const found = parseCertificate(blob);
    const plain = Buffer.from(readFileSync(join(home, 'key.pub'), 'utf8').split(' ')[1] ?? '', 'base64');
    expect(found).toMatchObject({ kind: 'user', id: 'all fields', principals: ['a', 'b'], key: plain });
    expect([found?.validFrom, found?.validUntil]).toEqual([undefined, undefined]);
    expect(found && timeOf(found, 0)).toBe('valid');
  });

  test('bytes that are cut, changed or made up give a certificate or none, and never anything else', () => {
    fc.assert(
      fc.property(fc.nat(blob.length - 1), (length) => {
        expect(parseCertificate(blob.subarray(0, length))).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.nat(blob.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(blob);
        changed[at] = value;
        const found = parseCertificate(changed);
        if (found) expect(() => [timeOf(found), found.validUntil && minuteOf(found.validUntil)]).not.toThrow();
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(parseCertificate(Buffer.from(bytes))).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseCertificateFile(Buffer.from(text))).toBeUndefined();
      }),
    );
    expect(parseCertificate(Buffer.concat([blob, Buffer.from('more')]))).toBeUndefined();
  });
});
