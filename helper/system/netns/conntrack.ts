import ipaddr from 'ipaddr.js';
import { attribute, type Netlink, nested } from './netlink.ts';
import { SystemError } from './sockets.ts';

/**
 * Source: linux/netfilter/nfnetlink_conntrack.h. Filters on deletion exist since Linux 5.8; older kernels refuse the
 * incomplete tuple.
 */
const CT_DELETE = (1 << 8) | 2;
const NLA_F_NESTED = 0x8000;
const CTA_TUPLE_REPLY = 2;
const CTA_TUPLE_IP = 1;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V6_SRC = 3;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
const FILTER_IP_SRC = 1;

/**
 * Forgets the connections that `address` answers. A client that goes on sending (UDP above all) would otherwise be
 * translated to where a container was, for as long as it sends.
 * @returns false when this kernel can't
 */
export function forgetConnectionsTo(netlink: Netlink, address: string): boolean {
  const bytes = Buffer.from(ipaddr.parse(address).toByteArray());
  const v6 = bytes.length === 16;
  try {
    netlink.request(
      'connections',
      CT_DELETE,
      0,
      Buffer.concat([
        Buffer.from([v6 ? 10 : 2, 0, 0, 0]),
        nested(CTA_TUPLE_REPLY | NLA_F_NESTED, nested(CTA_TUPLE_IP | NLA_F_NESTED, attribute(v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, bytes))),
        nested(CTA_FILTER | NLA_F_NESTED, attribute(CTA_FILTER_ORIG_FLAGS, 0), attribute(CTA_FILTER_REPLY_FLAGS, FILTER_IP_SRC)),
      ]),
    );
    return true;
  } catch (error) {
    if (error instanceof SystemError) return error.code === 'ENOENT';
    throw error;
  }
}
