/**
 * Private authorities and client certificates: certs.d/HOST[:PORT]/ with *.crt (authorities), *.cert and *.key (ours).
 * Source: Docker documentation, "Verify repository client with certificates"
 */
import { promises as fs } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { Failure, messageOf } from '../engine/failure.ts';

interface TlsFiles {
  ca?: string[];
  cert?: string;
  key?: string;
}

const FOLDERS = ['/etc/gantry/certs.d', '/etc/docker/certs.d'];
/** Where distributions keep the authorities that the machine's administrator trusts. Source: Go, crypto/x509 */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

let system: { file: string; mtimeMs: number; text: string } | undefined;

/** The host's authorities; Node's own where the host has none. Read again when they have changed. */
async function systemAuthorities(): Promise<string[]> {
  for (const file of [process.env.SSL_CERT_FILE, ...BUNDLES]) {
    const stat = file && (await fs.stat(file).catch(() => undefined));
    if (!file || !stat) continue;
    if (system?.file !== file || system.mtimeMs !== stat.mtimeMs) {
      system = { file, mtimeMs: stat.mtimeMs, text: await fs.readFile(file, 'utf8') };
    }
    if (system.text.includes('BEGIN CERTIFICATE')) return [system.text];
  }
  return [...tls.rootCertificates];
}

let plain: { text: string; context: tls.SecureContext } | undefined;

/**
 * What connections to a registry trust and show. Parsing 150 authorities takes 10 ms, so that is not done for each connection.
 * A token server or a storage on another host is met with what the registry has, as by dockerd, and with what certs.d has for
 * that host itself.
 * @param host with its port, as in a reference
 * @param registry that sent us there
 * @throws Failure that names the file that is missing or no certificate
 */
export async function secureContext(host: string, registry = host): Promise<tls.SecureContext> {
  const files = joined(await readCertificates(host), registry === host ? undefined : await readCertificates(registry));
  const authorities = await systemAuthorities();
  if (!files) {
    const text = authorities.join('');
    if (plain?.text !== text) plain = { text, context: tls.createSecureContext({ ca: authorities }) };
    return plain.context;
  }
  try {
    return tls.createSecureContext({ ...files, ca: [...authorities, ...(files.ca ?? [])] });
  } catch (error) {
    throw new Failure('system', `the certificates for ${host} can't be used: ${messageOf(error)}`);
  }
}

/** All authorities; one certificate of ours, of the first that has one. */
function joined(own: TlsFiles | undefined, registry: TlsFiles | undefined): TlsFiles | undefined {
  if (!own || !registry) return own ?? registry;
  return { ...(own.cert ? own : registry), ca: [...(own.ca ?? []), ...(registry.ca ?? [])] };
}

/** @param host with its port, as in a reference */
async function readCertificates(host: string): Promise<TlsFiles | undefined> {
  for (const root of FOLDERS) {
    const folder = path.join(root, path.basename(host));
    const names = await fs.readdir(folder).catch(() => undefined);
    if (!names) continue;
    const found: TlsFiles = {};
    for (const name of names.sort()) {
      const file = path.join(folder, name);
      if (name.endsWith('.crt')) found.ca = [...(found.ca ?? []), await fs.readFile(file, 'utf8')];
      if (name.endsWith('.cert')) {
        const key = name.replace(/\.cert$/, '.key');
        if (!names.includes(key))
          throw new Failure('system', `missing key ${key} for client certificate ${name}. CA certificates must use the extension .crt`);
        found.cert = await fs.readFile(file, 'utf8');
        found.key = await fs.readFile(path.join(folder, key), 'utf8');
      }
    }
    return found;
  }
  return undefined;
}
