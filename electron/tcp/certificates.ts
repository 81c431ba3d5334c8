import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { TcpSecurity } from '../ipc/contract.ts';
import { type Ask, cancelled, failure, type Secrets, shown } from '../ssh/index.ts';

/** What a connection with TLS needs, read from files. */
export interface Credentials {
  context: SecureContext;
  /** The CA's file; undefined: the authorities that Gantry knows by itself. */
  ca: string | undefined;
  client: ClientCertificate | undefined;
}
export interface ClientCertificate {
  /** The certificate's file. */
  path: string;
  /** Whom it names. */
  subject: string;
  validTo: Date;
  /** Tells one from the next. */
  fingerprint: string;
}
type TlsFiles = Extract<TcpSecurity, { kind: 'tls' }>;

export interface ReadOptions {
  /** `host:port`. */
  machine: string;
  secrets: Secrets;
  /** For a key's passphrase. Undefined: nobody is there to answer. */
  ask: Ask | undefined;
}

const FILE_LIMIT_BYTES = 1024 * 1024;
const PASSPHRASE_TRIES = 3;

/**
 * Reads the files anew at each connection: certificates that were renewed count from then on, and no copy of a key lies elsewhere.
 *
 * @throws HostFailure that names the file and what is wrong with it; cancelled when the user gives no passphrase
 */
export async function readCredentials({ ca, cert, key }: TlsFiles, options: ReadOptions): Promise<Credentials> {
  const authority = ca === undefined ? undefined : await readPem(ca);
  if (ca !== undefined && authority) certificateIn(authority, ca);
  if (cert === undefined || key === undefined) {
    return { context: createSecureContext({ ...(authority && { ca: authority }) }), ca, client: undefined };
  }
  const chain = await readPem(cert);
  const certificate = certificateIn(chain, cert);
  const privateKey = await unlocked(await readPem(key, { secret: true }), key, options);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw failure('tls-key-other', `The key ${key} is not that of the certificate ${cert}`, { values: { cert, key } });
  }
  const context = createSecureContext({
    ...(authority && { ca: authority }),
    cert: chain,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  });
  const { fingerprint256: fingerprint, subject, validTo } = certificate;
  return { context, ca, client: { path: cert, subject: nameIn(subject), validTo: new Date(validTo), fingerprint } };
}

/** The common name of a subject as X509Certificate gives it (`CN=ada\nO=…`), else all of it; safe to be shown. */
function nameIn(subject: string): string {
  const [, name] = /^CN=(.*)$/m.exec(subject) ?? [];
  return shown((name ?? subject).replaceAll('\n', ', '), 200);
}

async function readPem(path: string, { secret = false } = {}): Promise<Buffer> {
  const odd = (why: string) => failure(secret ? 'tls-no-key' : 'tls-no-certificate', `${path} ${why}`, { values: { path } });
  try {
    const entry = await stat(path);
    const { size, mode, uid } = entry;
    if (!entry.isFile()) throw odd('is no file');
    if (size > FILE_LIMIT_BYTES) throw odd('is too large');
    // As for keys of SSH: one that others can read is not used.
    if (secret && process.platform !== 'win32' && uid === process.getuid?.() && (mode & 0o077) !== 0) {
      throw failure('tls-key-open', `Others can read ${path}, so it is not used`, {
        values: { path },
        fix: `chmod 600 ${shellWord(path)}`,
      });
    }
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const more = { values: { path }, detail: message, cause: error };
    if (code === 'ENOENT' || code === 'ENOTDIR') throw failure('tls-file-missing', `${path} does not exist`, more);
    if (code === 'EACCES' || code === 'EPERM') throw failure('tls-file-denied', `${path} may not be read`, more);
    throw error;
  }
}

function certificateIn(content: Buffer, path: string): X509Certificate {
  try {
    return new X509Certificate(content);
  } catch (cause) {
    throw failure('tls-no-certificate', `${path} holds no certificate in PEM form`, { values: { path }, detail: String(cause), cause });
  }
}

/** Keys that are locked are opened with what the keychain has, else by asking. */
async function unlocked(content: Buffer, path: string, { machine, secrets, ask }: ReadOptions): Promise<KeyObject> {
  const isLocked = /ENCRYPTED/.test(content.toString('latin1'));
  if (!isLocked) {
    const key = keyIn(content);
    if (key instanceof Error) throw noKey(path, key);
    return key;
  }
  const name = `passphrase ${path}`;
  const kept = await secrets.get(name);
  if (kept !== undefined) {
    const key = keyIn(content, kept);
    if (!(key instanceof Error)) return key;
    await secrets.forget(name);
  }
  if (!ask) throw failure('tls-locked', `The key ${path} needs its passphrase`, { final: true, values: { machine, path } });
  for (let tried = 0; tried < PASSPHRASE_TRIES; tried += 1) {
    const { values, remember } = await ask({ kind: 'passphrase', machine, path, again: tried > 0, canRemember: secrets.durable });
    const passphrase = values[0] ?? '';
    const key = keyIn(content, passphrase);
    if (key instanceof Error) {
      if (/UNSUPPORTED|UNKNOWN/i.test((key as NodeJS.ErrnoException).code ?? '')) throw noKey(path, key);
      continue;
    }
    await secrets.put(name, passphrase, remember);
    return key;
  }
  throw cancelled();
}

function keyIn(content: Buffer, passphrase?: string): KeyObject | Error {
  try {
    return createPrivateKey({ key: content, format: 'pem', ...(passphrase !== undefined && { passphrase }) });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const noKey = (path: string, cause: Error) =>
  failure('tls-no-key', `${path} holds no private key that Gantry can read`, { values: { path }, detail: cause.message, cause });

const shellWord = (text: string) => (/^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/**
 * The files of a folder that are named as docker names them (ca.pem, cert.pem, key.pem).
 *
 * @param folder undefined: DOCKER_CERT_PATH, else docker's own folder
 */
export async function certificatesIn(
  folder: string | undefined,
  { env = process.env, home = homedir() }: { env?: NodeJS.ProcessEnv; home?: string } = {},
): Promise<{ ca?: string; cert?: string; key?: string }> {
  const base = folder ?? env.DOCKER_CERT_PATH ?? env.DOCKER_CONFIG ?? join(home, '.docker');
  const found = await Promise.all(
    (['ca', 'cert', 'key'] as const).map(async (name) => {
      const path = join(base, `${name}.pem`);
      const isFile = await stat(path).then(
        (entry) => entry.isFile(),
        () => false,
      );
      return isFile ? [name, path] : [];
    }),
  );
  return Object.fromEntries(found.filter((entry) => entry.length > 0));
}
