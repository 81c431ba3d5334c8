import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { exposed, readTls } from './listeners.ts';
import { makeCertificates } from './tests/certificates.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'gantry-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => void vi.useRealTimers());
const good = makeCertificates(folder);

function read(files: Partial<{ ca: string; cert: string; key: string }> = {}): string[] {
  const warnings: string[] = [];
  readTls({ ca: good.ca, cert: good.cert, key: good.key, ...files }, (text) => warnings.push(text));
  return warnings;
}

describe('TLS files', () => {
  it('that fit are read, with nothing to say', () => {
    expect(read()).toEqual([]);
    expect(readTls({ ca: undefined, cert: good.cert, key: good.key }, () => {})).toEqual({
      cert: readFileSync(good.cert, 'utf8'),
      key: readFileSync(good.key, 'utf8'),
    });
  });

  it('whose certificates have ended or not begun are taken, with a warning that names key, file and day', () => {
    const DAYS_MS = 86_400_000;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * DAYS_MS });
    expect(read()).toEqual([
      expect.stringMatching(
        /^tlscacert: a certificate in .*-ca\.pem ended on \d{4}-\d\d-\d\dT.*Z: clients whose certificate is signed by it/,
      ),
      expect.stringMatching(/^tlscert: the certificate in .*-server\.pem ended on \d{4}-\d\d-\d\dT.*Z: clients refuse it$/),
    ]);
    vi.setSystemTime(Date.now() - 6 * DAYS_MS);
    expect(read()).toContainEqual(
      expect.stringMatching(/^tlscert: .* begins only on \d{4}-.*Z, by this machine's clock: clients refuse it$/),
    );
  });

  it('that are wrong are refused with the key and the file', () => {
    const other = makeCertificates(folder, 'other');
    const nothing = path.join(folder, 'nothing.pem');
    writeFileSync(nothing, 'nothing');
    const broken = path.join(folder, 'broken.pem');
    writeFileSync(broken, readFileSync(good.cert, 'utf8').replace(/\n[^-\n]+\n/, '\n'));
    const locked = path.join(folder, 'locked.pem');
    execFileSync('openssl', ['pkcs8', '-topk8', '-in', good.key, '-passout', 'pass:x', '-out', locked], { stdio: 'ignore' });
    expect(() => read({ key: other.key })).toThrow(
      `tlskey: the private key in ${other.key} is not that of the certificate in ${good.cert} (tlscert)`,
    );
    expect(() => read({ key: nothing })).toThrow(`tlskey: there is no private key (PEM) in ${nothing}`);
    expect(() => read({ key: locked })).toThrow(`tlskey: the private key in ${locked} has a passphrase: the engine needs one without`);
    expect(() => read({ cert: nothing })).toThrow(`tlscert: there is no certificate (PEM) in ${nothing}`);
    expect(() => read({ cert: broken })).toThrow(`tlscert: a certificate in ${broken} can't be read: `);
    expect(() => read({ ca: nothing })).toThrow(`tlscacert: there is no certificate (PEM) in ${nothing}`);
    expect(() => read({ ca: path.join(folder, 'none') })).toThrow(`tlscacert: could not read "${path.join(folder, 'none')}": ENOENT`);
  });
});

it('an API that any program on the machine may use is warned of', () => {
  const tls = { cert: '', key: '' };
  expect(
    exposed([
      { kind: 'unix', path: '/a' },
      { kind: 'tcp', host: '::1', port: 1 },
      { kind: 'tcp', host: '127.0.0.1', port: 2, tls },
      { kind: 'tcp', host: '0.0.0.0', port: 3, tls: { ...tls, ca: '' } },
    ]),
  ).toEqual([
    'WARNING: API is accessible on http://[::1]:1 without encryption: every program on this machine that reaches it is root',
    'WARNING: API is accessible on https://127.0.0.1:2 without TLS client verification: every program on this machine that reaches it is root',
  ]);
});
