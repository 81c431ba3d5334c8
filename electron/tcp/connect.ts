import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { ConnectStep, TcpSecurity } from '../ipc/contract.ts';
import { cancelled, dialTcp, failure, resolveName, shown } from '../ssh/index.ts';
import { isLoopback, placeOf, type TcpAddress } from './address.ts';
import type { Credentials } from './certificates.ts';
import { distrusted, explainTls, isoDay } from './failures.ts';

export interface TcpTarget {
  address: TcpAddress;
  security: TcpSecurity;
}
export interface OpenOptions {
  onStep?: (step: ConnectStep) => void;
  signal: AbortSignal;
  /** For tests. */
  handshakeMs?: number;
}

const HANDSHAKE_MS = 10_000;
/** The kernel asks a quiet connection after this time, then each second; it counts as lost after ten questions. */
const KEEPALIVE_MS = 10_000;

/**
 * A stream to an engine that listens on TCP.
 *
 * @param credentials undefined: in the clear, which only ever goes to this very machine
 * @throws HostFailure that says what went wrong
 */
export async function openTcp(
  { address }: TcpTarget,
  credentials: Credentials | undefined,
  { onStep, signal, handshakeMs = HANDSHAKE_MS }: OpenOptions,
): Promise<Socket> {
  const machine = placeOf(address);
  const run = async <T>(kind: ConnectStep['kind'], work: () => Promise<T>, found: (result: T) => Record<string, string>): Promise<T> => {
    const tell = (status: ConnectStep['status'], facts: Record<string, string> = {}) => onStep?.({ kind, machine, status, found: facts });
    tell('running');
    try {
      const result = await work();
      tell('done', found(result));
      return result;
    } catch (error) {
      tell('failed');
      throw error;
    }
  };
  const addresses = await run(
    'resolve',
    () => resolveName(address.host),
    (found) => ({ name: address.host, address: found.join(', ') }),
  );
  if (!credentials && !addresses.every(isLoopback)) {
    throw failure('tcp-clear', `${machine} is another machine: without TLS Gantry connects to this one only`, {
      final: true,
      values: { machine },
    });
  }
  const { stream } = await run(
    'connect',
    () => dialTcp(addresses, address.port, undefined, signal, { refused: 'tcp-refused' }),
    ({ address: at }) => ({ address: at }),
  );
  stream.setKeepAlive(true, KEEPALIVE_MS);
  if (!credentials) {
    onStep?.({ kind: 'tls', machine, status: 'done', found: { none: 'yes' } });
    return stream;
  }
  return run('tls', () => handshake(stream, address, credentials, signal, handshakeMs), factsOf);
}

function handshake(
  stream: Socket,
  address: TcpAddress,
  credentials: Credentials,
  signal: AbortSignal,
  handshakeMs: number,
): Promise<TLSSocket> {
  const { host } = address;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      stream.destroy();
      return reject(signal.reason);
    }
    const secured = connectTls({
      socket: stream,
      host,
      // An address is no name for this (RFC 6066, 3), but the certificate has to be for it.
      servername: isIP(host) === 0 ? host : '',
      secureContext: credentials.context,
      // Who it is, is checked below, before a byte is sent: so that the message can say what its certificate is.
      rejectUnauthorized: false,
    });
    const timer = setTimeout(() => {
      const machine = placeOf(address);
      fail(failure('ssh-timeout', `${machine} does not answer`, { values: { machine }, detail: 'TLS handshake' }));
    }, handshakeMs);
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      secured.off('error', failed);
      secured.off('close', closed);
    };
    const fail = (error: unknown) => {
      finish();
      // What is given up may still fail, and nobody listens.
      secured.on('error', () => {});
      secured.destroy();
      stream.destroy();
      reject(error);
    };
    const abort = () => fail(signal.reason instanceof Error ? signal.reason : cancelled());
    const failed = (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') closed();
      else fail(explainTls(error, address, credentials) ?? error);
    };
    const closed = () => {
      const machine = placeOf(address);
      fail(failure('tls-hung-up', `${machine} hung up during the TLS handshake`, { values: { machine } }));
    };
    signal.addEventListener('abort', abort, { once: true });
    secured.on('error', failed);
    secured.on('close', closed);
    secured.once('secureConnect', () => {
      if (!secured.authorized) return fail(distrusted(secured, address, credentials));
      finish();
      resolve(secured);
    });
  });
}

function factsOf(secured: Socket): Record<string, string> {
  const { subject, issuer, valid_to } = (secured as TLSSocket).getPeerCertificate();
  return {
    protocol: (secured as TLSSocket).getProtocol() ?? 'TLS',
    subject: shown(String(subject?.CN ?? subject?.O ?? ''), 200),
    issuer: shown(String(issuer?.CN ?? issuer?.O ?? ''), 200),
    until: isoDay(new Date(valid_to)),
  };
}
