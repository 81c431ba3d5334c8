import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const hasOpenssl = spawnSync('openssl', ['version']).error === undefined;

export interface IssueOptions {
  subject?: string;
  /** For a server: what it is called, as `subjectAltName` wants it. Left out: for a client. */
  names?: string;
  /** Seconds from now; openssl's clock may not be ours to change, so what is over was over before it began. */
  expired?: boolean;
  passphrase?: string;
}

/** A CA with a folder for each certificate that it signs: ca.pem, cert.pem and key.pem, as docker names them. */
export class TestCa {
  readonly folder: string;
  readonly name: string;

  constructor(folder: string, name = 'test') {
    this.folder = folder;
    this.name = name;
    mkdirSync(folder, { recursive: true });
    this.#openssl('req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name} CA`, '-keyout', this.#path('ca-key'), '-out', this.ca);
    // Without this, openssl ca knows no certificates yet.
    writeFileSync(join(folder, 'index.txt'), '');
    writeFileSync(join(folder, 'serial'), '1000\n');
  }

  get ca(): string {
    return this.#path('ca');
  }

  /** @returns the folder with the three files */
  issue(name: string, { subject = name, names, expired = false, passphrase }: IssueOptions = {}): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    const file = (part: string) => join(folder, part);
    writeFileSync(
      file('ca.cnf'),
      [
        '[ca]\ndefault_ca=it\n[it]\ndefault_md=sha256\npolicy=any\nunique_subject=no\nx509_extensions=more',
        `database=${join(this.folder, 'index.txt')}\nserial=${join(this.folder, 'serial')}\nnew_certs_dir=${folder}`,
        '[any]\ncommonName=supplied',
        `[more]\n${names ? `subjectAltName=${names}` : 'extendedKeyUsage=clientAuth'}`,
      ].join('\n'),
    );
    this.#openssl('req', '-new', ...NEW_KEY, '-subj', `/CN=${subject}`, '-keyout', file('key.pem'), '-out', file('request.pem'));
    const [from, until] = expired ? ['20200101000000Z', '20210101000000Z'] : [stamp(-1), stamp(2)];
    const dates = ['-startdate', from, '-enddate', until];
    const sign = ['-cert', this.ca, '-keyfile', this.#path('ca-key'), '-config', file('ca.cnf')];
    this.#openssl('ca', '-batch', '-notext', ...sign, ...dates, '-in', file('request.pem'), '-out', file('cert.pem'));
    if (passphrase !== undefined) {
      const locked = this.#openssl('pkcs8', '-topk8', '-in', file('key.pem'), '-passout', `pass:${passphrase}`);
      writeFileSync(file('key.pem'), locked);
    }
    writeFileSync(file('ca.pem'), this.#openssl('x509', '-in', this.ca));
    chmodSync(file('key.pem'), 0o600);
    return folder;
  }

  #path(part: string): string {
    return join(this.folder, `${part}.pem`);
  }

  #openssl(...args: string[]): Buffer {
    return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A day near today, as openssl writes it. */
function stamp(days: number): string {
  return `${new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, '')}`;
}
