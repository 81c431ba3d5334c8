import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Listener } from './api/index.ts';
import type { Arguments } from './arguments.ts';
import { DEFAULT_SOCKET, type HostAddress, type Settings } from './config/index.ts';
import { Failure, messageOf } from './engine/failure.ts';
import type { PassedSocket } from './system/systemd/index.ts';

export interface TlsFiles {
  ca?: string;
  cert: string;
  key: string;
}

/**
 * Reads the files and looks at what is in them: what TLS itself says of a wrong one names neither the key nor the file.
 * A certificate that has ended is no reason not to start, since the Unix socket works: that is only said.
 * @param warn gets a sentence for each certificate that others will refuse
 * @throws Failure invalidParameter that names the key and the file
 */
export function readTls(tls: Settings['tls'], warn: (text: string) => void): TlsFiles | undefined {
  if (!tls) return undefined;
  const ca = tls.ca === undefined ? undefined : read('tlscacert', tls.ca);
  const cert = read('tlscert', tls.cert);
  const key = read('tlskey', tls.key);
  const now = Date.now();
  if (ca !== undefined && tls.ca !== undefined) {
    for (const certificate of certificatesIn('tlscacert', tls.ca, ca)) {
      const why = outOfTime(certificate, now);
      if (why) warn(`tlscacert: a certificate in ${tls.ca} ${why}: clients whose certificate is signed by it are refused`);
    }
  }
  // The first is the engine's own, others lead to its CA.
  const [own] = certificatesIn('tlscert', tls.cert, cert);
  const why = own && outOfTime(own, now);
  if (why) warn(`tlscert: the certificate in ${tls.cert} ${why}: clients refuse it`);
  if (own && !own.checkPrivateKey(privateKeyIn(tls.key, key))) {
    throw wrongTls('tlskey', `the private key in ${tls.key} is not that of the certificate in ${tls.cert} (tlscert)`);
  }
  return { ...(ca === undefined ? {} : { ca }), cert, key };
}

type TlsKey = 'tlscacert' | 'tlscert' | 'tlskey';

const wrongTls = (key: TlsKey, why: string): Failure => new Failure('invalidParameter', `${key}: ${why}`);

function read(key: TlsKey, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw wrongTls(key, `could not read "${file}": ${messageOf(error)}`);
  }
}

const PEM_CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----.*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/gs;

function certificatesIn(key: TlsKey, file: string, text: string): X509Certificate[] {
  const found = text.match(PEM_CERTIFICATE);
  if (!found) throw wrongTls(key, `there is no certificate (PEM) in ${file}`);
  return found.map((pem) => {
    try {
      return new X509Certificate(pem);
    } catch (error) {
      throw wrongTls(key, `a certificate in ${file} can't be read: ${messageOf(error)}`);
    }
  });
}

function privateKeyIn(file: string, text: string): KeyObject {
  if (/^(-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED)/m.test(text)) {
    throw wrongTls('tlskey', `the private key in ${file} has a passphrase: the engine needs one without`);
  }
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw wrongTls('tlskey', `there is no private key (PEM) in ${file}: ${messageOf(error)}`);
  }
}

/** What is wrong with a certificate's time, for the end of a sentence. */
function outOfTime({ validFrom, validTo }: X509Certificate, now: number): string | undefined {
  const [from, to] = [new Date(validFrom), new Date(validTo)];
  if (to.getTime() < now) return `ended on ${to.toISOString()}`;
  if (from.getTime() > now) return `begins only on ${from.toISOString()}, by this machine's clock`;
  return undefined;
}

/**
 * Everything that the API listens at: what `hosts` says and a socket given by `--socket`, or the default socket alone;
 * Unix sockets owned by `--socket-user` and the key `group`.
 * @throws Failure invalidParameter when systemd has passed none of what is asked for
 */
export function listenersOf(
  settings: Settings,
  { socket, socketUser }: Pick<Arguments, 'socket' | 'socketUser'>,
  passed: readonly PassedSocket[],
  warn: (text: string) => void,
): Listener[] {
  const owner = {
    ...(socketUser === undefined ? {} : { user: socketUser }),
    ...(settings.group === undefined ? {} : { group: settings.group }),
  };
  const hosts: HostAddress[] = [...settings.hosts];
  if (socket !== undefined) hosts.push({ kind: 'unix', path: socket });
  if (hosts.length === 0) hosts.push({ kind: 'unix', path: DEFAULT_SOCKET });
  const tls = readTls(settings.tls, warn);
  return hosts.flatMap((host): Listener[] => {
    if (host.kind === 'fd') return passedFor(host.which, passed).map(({ fd }) => ({ kind: 'fd', fd }));
    if (host.kind === 'tcp') return [{ kind: 'tcp', host: host.host, port: host.port, ...(tls ? { tls } : {}) }];
    return [{ kind: 'unix', path: path.resolve(host.path), ...owner }];
  });
}

/** What `docker info` warns of: whoever reaches these is root. (Only loopback can be among them.) */
export function exposed(listeners: readonly Listener[]): string[] {
  return listeners.flatMap((listener) => {
    if (listener.kind !== 'tcp' || listener.tls?.ca !== undefined) return [];
    const where = `${listener.host.includes(':') ? `[${listener.host}]` : listener.host}:${listener.port}`;
    const how = listener.tls ? `https://${where} without TLS client verification` : `http://${where} without encryption`;
    return [`WARNING: API is accessible on ${how}: every program on this machine that reaches it is root`];
  });
}

function passedFor(which: string, passed: readonly PassedSocket[]): readonly PassedSocket[] {
  if (passed.length === 0) {
    throw new Failure('invalidParameter', 'hosts: no sockets found via socket activation: make sure the service was started by systemd');
  }
  const found = which === '' ? passed : passed.filter(({ fd, name }) => name === which || String(fd) === which);
  if (found.length === 0) throw new Failure('invalidParameter', `hosts: fd://${which}: systemd passed no such socket`);
  return found;
}
