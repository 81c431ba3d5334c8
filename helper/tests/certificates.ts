import { execFileSync } from 'node:child_process';
import path from 'node:path';

export interface Certificates {
  ca: string;
  cert: string;
  key: string;
  client: { cert: string; key: string };
}

/** A CA with a server's certificate (for loopback, or for `names`) and a client's, as PEM files in `folder`. */
export function makeCertificates(folder: string, name = 'test', names = 'IP:127.0.0.1,DNS:localhost'): Certificates {
  const file = (part: string): string => path.join(folder, `${name}-${part}.pem`);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-subj', `/CN=${name} CA`, '-keyout', file('ca-key'), '-out', file('ca'));
  const sign = ['-CA', file('ca'), '-CAkey', file('ca-key')];
  for (const [part, subject, extension] of [
    ['server', 'engine', `subjectAltName=${names}`],
    ['client', 'someone', 'extendedKeyUsage=clientAuth'],
  ] as const) {
    openssl(
      'req',
      '-x509',
      ...key,
      ...sign,
      '-subj',
      `/CN=${subject}`,
      '-addext',
      extension,
      '-keyout',
      file(`${part}-key`),
      '-out',
      file(part),
    );
  }
  return {
    ca: file('ca'),
    cert: file('server'),
    key: file('server-key'),
    client: { cert: file('client'), key: file('client-key') },
  };
}
