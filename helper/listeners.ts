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

/** @throws Failure invalidParameter that names the key and the file */
export function readTls(tls: Settings['tls']): TlsFiles | undefined {
  if (!tls) return undefined;
  const read = (key: string, file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new Failure('invalidParameter', `${key}: could not read "${file}": ${messageOf(error)}`);
    }
  };
  return {
    ...(tls.ca === undefined ? {} : { ca: read('tlscacert', tls.ca) }),
    cert: read('tlscert', tls.cert),
    key: read('tlskey', tls.key),
  };
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
): Listener[] {
  const owner = {
    ...(socketUser === undefined ? {} : { user: socketUser }),
    ...(settings.group === undefined ? {} : { group: settings.group }),
  };
  const hosts: HostAddress[] = [...settings.hosts];
  if (socket !== undefined) hosts.push({ kind: 'unix', path: socket });
  if (hosts.length === 0) hosts.push({ kind: 'unix', path: DEFAULT_SOCKET });
  const tls = readTls(settings.tls);
  return hosts.flatMap((host): Listener[] => {
    if (host.kind === 'fd') return passedFor(host.which, passed).map(({ fd }) => ({ kind: 'fd', fd }));
    if (host.kind === 'tcp') return [{ kind: 'tcp', host: host.host, port: host.port, ...(tls ? { tls } : {}) }];
    return [{ kind: 'unix', path: path.resolve(host.path), ...owner }];
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
