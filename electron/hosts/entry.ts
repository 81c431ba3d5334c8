import type { SshSession } from '../ssh/index.ts';
import { parseTcpAddress } from '../tcp/index.ts';
import { backoffMs } from './backoff.ts';
import { type ConnectionOptions, HostConnection, type Pauses } from './connection.ts';
import { unixDialer } from './dial-unix.ts';
import type { HostRecord } from './records.ts';
import { SshLink, type SshLinkOptions } from './ssh-link.ts';
import { TcpLink } from './tcp-link.ts';

/** A host of the list with what keeps it connected. */
export interface Entry {
  record: HostRecord;
  connection: HostConnection;
  /** kind ssh */
  link?: SshLink;
  /** kind tcp */
  tcp?: TcpLink;
}
type Common = Pick<ConnectionOptions, 'onState' | 'onEvent' | 'guard'>;

/** A machine elsewhere, its firewall and its log are spared. */
const FAR_PAUSES: Pauses = {
  lostMs: (attempt, random) => backoffMs(attempt, random, 1000, 60_000),
  failedMs: (attempt, random) => backoffMs(attempt, random, 10_000, 300_000),
};

/** @param prepare for our own engine: starts it when it is down */
export function onSocket(record: HostRecord, path: string, prepare: ConnectionOptions['prepare'], common: Common): Entry {
  const connection = new HostConnection({ where: path, dial: unixDialer(path), ...(prepare && { prepare }), ...common });
  return { record, connection };
}

/** @param session a connection that stands already, such as the one of the dialog */
export function overSsh(record: HostRecord, session: SshSession | undefined, connect: SshLinkOptions['connect'], common: Common): Entry {
  const { address = '', socketPath = '' } = record;
  const link = new SshLink({ socketPath, connect });
  if (session) link.adopt(session);
  const { dial, prepare, whyLost } = link;
  const onState: Common['onState'] = (state) => {
    if (state.status === 'connected') link.proven();
    common.onState(state);
  };
  const where = `${address}:${socketPath}`;
  return { record, link, connection: new HostConnection({ where, dial, prepare, whyLost, pauses: FAR_PAUSES, ...common, onState }) };
}

export function overTcp(record: HostRecord, secrets: ConstructorParameters<typeof TcpLink>[1], common: Common): Entry {
  const { address: where = '', security = { kind: 'tls' } } = record;
  const tcp = new TcpLink({ address: parseTcpAddress(where), security }, secrets);
  const { dial, prepare, whyLost } = tcp;
  const onState: Common['onState'] = (state) => {
    if (state.status === 'connected') tcp.proven();
    else tcp.cut();
    common.onState(state);
  };
  return { record, tcp, connection: new HostConnection({ where, dial, prepare, whyLost, pauses: FAR_PAUSES, ...common, onState }) };
}

/** @param why what those hear who wait for it */
export async function stopped({ connection, link, tcp }: Entry, why?: Error): Promise<void> {
  link?.close();
  await connection.stop(why);
  tcp?.cut();
}
