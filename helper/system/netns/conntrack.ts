import ipaddr from 'ipaddr.js';
import { attribute, type Netlink, nested, parseAttributes } from './netlink.ts';
import { SystemError } from './sockets.ts';

/** Source: linux/netfilter/nfnetlink_conntrack.h */
const CT_GET = (1 << 8) | 1;
const CT_DELETE = (1 << 8) | 2;
const NLA_F_NESTED = 0x8000;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_TUPLE_IP = 1;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V6_SRC = 3;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
const FILTER_IP_SRC = 1;
/** Of the message: two bytes of family and version, two that are not used here. */
const HEADER = 4;

/**
 * Forgets the connections that `address` answers. A client that goes on sending (UDP above all) would otherwise be
 * translated to where a container was, for as long as it sends. As far as this kernel can; it fails for nobody.
 */
export function forgetConnectionsTo(netlink: Netlink, address: string): void {
  const source = Buffer.from(ipaddr.parse(address).toByteArray());
  const v6 = source.length === 16;
  const kind = v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC;
  const header = Buffer.from([v6 ? 10 : 2, 0, 0, 0]);
  const matching = Buffer.concat([
    header,
    nested(CTA_TUPLE_REPLY | NLA_F_NESTED, nested(CTA_TUPLE_IP | NLA_F_NESTED, attribute(kind, source))),
    nested(CTA_FILTER | NLA_F_NESTED, attribute(CTA_FILTER_ORIG_FLAGS, 0), attribute(CTA_FILTER_REPLY_FLAGS, FILTER_IP_SRC)),
  ]);
  const error = failure(() => netlink.request('connections', CT_DELETE, 0, matching));
  if (!error || error.code === 'ENOENT') return;
  // Before Linux 6.12 filters are for lists only, before 5.8 not even for these: each connection is then deleted by itself.
  failure(() => {
    for (const { body } of netlink.dump('connections', CT_GET, matching)) {
      const found = parseAttributes(body.subarray(HEADER));
      const answerer = parseAttributes(parseAttributes(found.get(CTA_TUPLE_REPLY) ?? NONE).get(CTA_TUPLE_IP) ?? NONE).get(kind);
      const tuple = found.get(CTA_TUPLE_ORIG);
      if (!tuple || !answerer?.equals(source)) continue;
      const zone = found.get(CTA_ZONE);
      const one = [header, nested(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple), ...(zone ? [attribute(CTA_ZONE, zone)] : [])];
      // It may have gone by itself.
      failure(() => netlink.request('connection', CT_DELETE, 0, Buffer.concat(one)));
    }
  });
}
const NONE = Buffer.alloc(0);

/** What the kernel had against it, or undefined. */
function failure(work: () => void): SystemError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof SystemError) return error;
    throw error;
  }
}
