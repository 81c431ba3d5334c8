/**
 * Private authorities and client certificates: certs.d/HOST[:PORT]/ with *.crt (authorities), *.cert and *.key (ours).
 * Source: Docker documentation, "Verify repository client with certificates"
 */
import { promises as fs } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { Failure } from '../engine/failure.ts';

export interface TlsFiles {
  ca?: string[];
  cert?: string;
  key?: string;
}

const FOLDERS = ['/etc/gantry/certs.d', '/etc/docker/certs.d'];

/** @param host with its port, as in a reference */
export async function readCertificates(host: string, folders: readonly string[] = FOLDERS): Promise<TlsFiles | undefined> {
  for (const root of folders) {
    const folder = path.join(root, path.basename(host));
    const names = await fs.readdir(folder).catch(() => undefined);
    if (!names) continue;
    const found: TlsFiles = {};
    for (const name of names.sort()) {
      const file = path.join(folder, name);
      if (name.endsWith('.crt')) found.ca = [...(found.ca ?? tls.rootCertificates), await fs.readFile(file, 'utf8')];
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
