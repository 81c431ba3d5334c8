import type { Message, Netlink } from '../netns/netlink.ts';

/** What messages to nf_tables have in common. Source: linux/netfilter/nf_tables.h, nfnetlink.h. */
const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
export const NFPROTO_INET = 1;
export const NFPROTO_IPV4 = 2;
export const NLA_F_NESTED = 0x8000;
export const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const;

export const nftType = (message: number): number => (NFNL_SUBSYS_NFTABLES << 8) | message;

/** struct nfgenmsg */
export function header(family: number, resource: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt8(family, 0);
  buffer.writeUInt16BE(resource, 2);
  return buffer;
}

/** All or none, synchronously. @throws SystemError of the first that failed */
export function batch(netlink: Netlink, what: string, messages: Message[]): void {
  const mark = (type: number): Message => ({ type, flags: 0, ack: false, body: header(0, NFNL_SUBSYS_NFTABLES) });
  netlink.transaction(what, [mark(NFNL_MSG_BATCH_BEGIN), ...messages, mark(NFNL_MSG_BATCH_END)]);
}
