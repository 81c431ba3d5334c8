import ipaddr from 'ipaddr.js';
import { attribute, type Message, type Netlink, NLM_F_APPEND, NLM_F_CREATE, nested } from '../netns/netlink.ts';
import { batch, header, NFPROTO_IPV4, NLA_F_NESTED, nftType, PROTOCOLS } from './messages.ts';

/**
 * A table that sends what a namespace's own programs send to one address and port to another port of that address: its server then
 * does not hold the port, which stays free for programs that listen on all addresses.
 * Source: linux/netfilter/nf_tables.h; `nft --debug=netlink` for the expressions.
 */
const MSG_NEWTABLE = 0;
const MSG_DELTABLE = 2;
const MSG_NEWCHAIN = 3;
const MSG_NEWRULE = 6;
const TABLE_NAME = 1;
const CHAIN = { table: 1, name: 3, hook: 4, type: 7 };
const HOOK = { number: 1, priority: 2 };
const NF_INET_LOCAL_OUT = 3;
const NF_IP_PRI_NAT_DST = -100;
const RULE = { table: 1, chain: 2, expressions: 4 };
const LIST_ELEM = 1;
const EXPR = { name: 1, data: 2 };
const DATA_VALUE = 1;
const [REG_1, REG_2] = [1, 2];
const NETWORK_HEADER = 1;
const TRANSPORT_HEADER = 2;
const META_L4PROTO = 16;
const NAT_DNAT = 1;

function be32(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return attribute(type, bytes);
}

function be16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

const inner = (type: number, ...parts: Uint8Array[]): Buffer => nested(type | NLA_F_NESTED, ...parts);
const expression = (name: string, ...parts: Uint8Array[]): Buffer =>
  inner(LIST_ELEM, attribute(EXPR.name, name), inner(EXPR.data, ...parts));
const value = (type: number, bytes: Uint8Array): Buffer => inner(type, attribute(DATA_VALUE, bytes));
const payload = (base: number, offset: number, length: number): Buffer =>
  expression('payload', be32(1, REG_1), be32(2, base), be32(3, offset), be32(4, length));
const equals = (bytes: Uint8Array): Buffer => expression('cmp', be32(1, REG_1), be32(2, 0), value(3, bytes));
const immediate = (register: number, bytes: Uint8Array): Buffer => expression('immediate', be32(1, register), value(2, bytes));

/** The address's port of a protocol, and where it leads. */
export interface LocalPort {
  proto: 'tcp' | 'udp';
  /** IPv4, of the namespace's loopback. */
  address: string;
  port: number;
  to: number;
}

function rule(table: string, { proto, address, port, to }: LocalPort): Message {
  const ip = Buffer.from(ipaddr.parse(address).toByteArray());
  const steps = [
    payload(NETWORK_HEADER, 16, 4),
    equals(ip),
    expression('meta', be32(1, REG_1), be32(2, META_L4PROTO)),
    equals(Buffer.from([PROTOCOLS[proto]])),
    payload(TRANSPORT_HEADER, 2, 2),
    equals(be16(port)),
    immediate(REG_1, ip),
    immediate(REG_2, be16(to)),
    expression('nat', be32(1, NAT_DNAT), be32(2, NFPROTO_IPV4), be32(3, REG_1), be32(4, REG_1), be32(5, REG_2), be32(6, REG_2)),
  ];
  const body = [attribute(RULE.table, table), attribute(RULE.chain, 'output'), inner(RULE.expressions, ...steps)];
  return message(MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, ...body);
}

function message(type: number, flags: number, ...body: Uint8Array[]): Message {
  return { type: nftType(type), flags, ack: true, body: Buffer.concat([header(NFPROTO_IPV4, 0), ...body]) };
}

/**
 * Makes the table anew in the namespace of `netlink` (nfnetlink), all or nothing, synchronously.
 * @throws SystemError where the kernel has no NAT
 */
export function setLocalPorts(netlink: Netlink, table: string, ports: readonly LocalPort[]): void {
  const name = attribute(TABLE_NAME, table);
  const hook = inner(CHAIN.hook, be32(HOOK.number, NF_INET_LOCAL_OUT), be32(HOOK.priority, NF_IP_PRI_NAT_DST));
  const chain = [attribute(CHAIN.table, table), attribute(CHAIN.name, 'output'), hook, attribute(CHAIN.type, 'nat')];
  batch(netlink, 'the name server', [
    message(MSG_NEWTABLE, NLM_F_CREATE, name),
    message(MSG_DELTABLE, 0, name),
    message(MSG_NEWTABLE, NLM_F_CREATE, name),
    message(MSG_NEWCHAIN, NLM_F_CREATE, ...chain),
    ...ports.map((port) => rule(table, port)),
  ]);
}
