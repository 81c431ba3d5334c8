import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { ProtocolError } from '../engine-client/index.ts';
import type { HostFailure } from '../hosts/errors.ts';
import { failure, shown } from '../ssh/index.ts';
import { placeOf, type TcpAddress } from './address.ts';
import type { Credentials } from './certificates.ts';

/** `2026-11-25`; empty where a certificate has no date that makes sense. */
export const isoDay = (date: Date): string => (Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10));

const CHAIN_LIMIT = 16;

/** The certificate, then those that signed it. */
function chainOf(secured: TLSSocket): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  let next: DetailedPeerCertificate | undefined = secured.getPeerCertificate(true);
  // A root signs itself.
  while (next?.raw && chain.length < CHAIN_LIMIT && !chain.some(({ raw }) => raw.equals(next?.raw as Buffer))) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

const nameOf = (name: DetailedPeerCertificate['subject'] | undefined) => shown(String(name?.CN ?? name?.O ?? '?'), 200);

/** Why the certificate that a machine shows is not trusted. */
export function distrusted(secured: TLSSocket, address: TcpAddress, { ca }: Credentials): HostFailure {
  // A code, whatever the types say; Node 18 gives the one, later ones the other.
  const error = secured.authorizationError as unknown as string | (Error & { code?: string }) | null;
  const code = typeof error === 'string' ? error : (error?.code ?? '');
  const machine = placeOf(address);
  const chain = chainOf(secured);
  const [own] = chain;
  const values = { machine, host: address.host, subject: nameOf(own?.subject), issuer: nameOf(own?.issuer) };
  const detail = shown(
    `${code}\n${chain.map((one) => `${nameOf(one.subject)} (${one.valid_from} – ${one.valid_to}) ${one.fingerprint256}`).join('\n')}`,
    2000,
  );
  switch (code) {
    case 'CERT_HAS_EXPIRED': {
      const old = chain.find(({ valid_to }) => new Date(valid_to).getTime() < Date.now()) ?? own;
      const date = isoDay(new Date(old?.valid_to ?? ''));
      const subject = nameOf(old?.subject);
      return failure('tls-expired', `The certificate “${subject}” of ${machine} expired on ${date}`, {
        values: { ...values, subject, date },
        detail,
      });
    }
    case 'CERT_NOT_YET_VALID': {
      const date = isoDay(new Date(own?.valid_from ?? ''));
      return failure('tls-not-yet', `The certificate of ${machine} is valid from ${date} on`, { values: { ...values, date }, detail });
    }
    case 'ERR_TLS_CERT_ALTNAME_INVALID': {
      const names = shown((own?.subjectaltname ?? '').replaceAll(/(DNS|IP Address):/g, '') || values.subject, 500);
      return failure('tls-name', `The certificate of ${machine} is for ${names}, not for ${address.host}`, {
        values: { ...values, names },
        detail,
      });
    }
  }
  if (ca === undefined) return failure('tls-no-ca', `Who signed the certificate of ${machine} is not known`, { values, detail });
  return failure('tls-unknown-ca', `The certificate of ${machine} was not signed by ${ca}`, { values: { ...values, ca }, detail });
}

/** Alerts by which a server says that it does not take a client's certificate. Source: RFC 8446, 6.2 */
const REFUSALS: Record<number, string> = {
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  48: 'unknown_ca',
  49: 'access_denied',
};
const HANDSHAKE_FAILURE = 40;
const PROTOCOL_VERSION = 70;
const CERTIFICATE_REQUIRED = 116;

/**
 * What a server has said about TLS or about the client's certificate: during the handshake, and with TLS 1.3 only after it.
 *
 * @returns undefined for what is not about TLS
 */
export function explainTls(error: unknown, address: TcpAddress, { client }: Credentials): HostFailure | undefined {
  const { code = '', message = '', reason = '' } = (error ?? {}) as NodeJS.ErrnoException & { reason?: string };
  if (!code.startsWith('ERR_SSL_')) return undefined;
  const machine = placeOf(address);
  // OpenSSL and BoringSSL (which Electron has) name alerts differently, but number them alike.
  const alert = Number(/SSL alert number (\d+)/.exec(message)?.[1] ?? 0);
  const more = { values: { machine }, detail: shown(`${reason || code}${alert ? ` (${alert})` : ''}`), cause: error };
  if (alert === CERTIFICATE_REQUIRED || (!client && (alert === HANDSHAKE_FAILURE || alert in REFUSALS))) {
    return failure('tls-client-needed', `${machine} lets only clients with a certificate in`, more);
  }
  if (client && alert in REFUSALS) return clientRefused(machine, client, more.detail);
  if (alert === PROTOCOL_VERSION || alert === HANDSHAKE_FAILURE || /UNSUPPORTED_PROTOCOL|NO_SHARED_CIPHER|ALERT_PROTOCOL/i.test(code)) {
    return failure('tls-no-agreement', `${machine} and Gantry know no common way to encrypt`, more);
  }
  if (/WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG/.test(code)) {
    return failure('tls-none', `What answers at ${machine} speaks no TLS`, more);
  }
  return undefined;
}

/** `detail`: how the server said it. */
function clientRefused(machine: string, client: NonNullable<Credentials['client']>, detail: string): HostFailure {
  const date = isoDay(client.validTo);
  const values = { machine, subject: client.subject, path: client.path, date };
  return client.validTo.getTime() < Date.now()
    ? failure('tls-client-expired', `Your certificate ${client.path} expired on ${date}`, { values, detail })
    : failure('tls-client-refused', `${machine} does not take your certificate ${client.path}`, { values, detail });
}

/**
 * Why an engine behind an open connection did not answer as one.
 *
 * @param letIn this certificate was taken before: who hangs up now has another reason
 * @returns undefined for what has nothing to do with TCP and TLS
 */
export function explainTcp(
  error: unknown,
  address: TcpAddress,
  credentials: Credentials | undefined,
  { letIn = false }: { letIn?: boolean } = {},
): HostFailure | undefined {
  const machine = placeOf(address);
  const { code = '', rawPacket } = (error ?? {}) as NodeJS.ErrnoException & { rawPacket?: unknown };
  const detail = shown(error instanceof Error ? error.message : String(error));
  const more = { values: { machine }, detail, cause: error };
  if (credentials) {
    const told = explainTls(error, address, credentials);
    if (told) return told;
    // Some servers, ours among them, say nothing, and hang up as soon as the handshake is over.
    if (code === 'ECONNRESET' && !letIn) {
      if (credentials.client) return clientRefused(machine, credentials.client, detail);
      return failure('tls-client-needed', `${machine} hung up without a certificate of yours`, more);
    }
  } else if (isTlsAlert(rawPacket) || (error instanceof ProtocolError && /to an HTTPS server/.test(error.message))) {
    return failure('tls-wanted', `What answers at ${machine} speaks TLS`, more);
  }
  if (error instanceof ProtocolError || code.startsWith('HPE_')) {
    return failure('tcp-no-engine', `What answers at ${machine} is no container engine`, more);
  }
  return undefined;
}

/** A record of type alert, version 3.x. Source: RFC 8446, 5.1 */
const isTlsAlert = (packet: unknown): boolean => Buffer.isBuffer(packet) && packet[0] === 21 && packet[1] === 3;
