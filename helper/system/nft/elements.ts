import ipaddr from 'ipaddr.js';
import { attribute, type Message, type Netlink, NLM_F_CREATE, nested } from '../netns/netlink.ts';
import { batch, header, NFPROTO_INET, NLA_F_NESTED, nftType, PROTOCOLS } from './messages.ts';
import { openSet, type Publication } from './script.ts';

/**
 * Published ports as elements of the table's maps, straight over nfnetlink: a tenth of a millisecond where starting `nft`
 * costs five and more. Layout of keys and values as nft writes them: concatenated fields, each padded to four bytes.
 * Source: linux/netfilter/nf_tables.h, nfnetlink.h.
 */
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_DELSETELEM = 14;
const LIST_TABLE = 1;
const LIST_SET = 2;
const LIST_ELEMENTS = 3;
const ELEM_KEY = 1;
const ELEM_DATA = 2;
const DATA_VALUE = 1;

function portField(port: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt16BE(port, 0);
  return buffer;
}

const addressField = (address: string): Buffer => Buffer.from(ipaddr.parse(address).toByteArray());
const data = (kind: number, value: Uint8Array): Buffer => nested(kind | NLA_F_NESTED, attribute(DATA_VALUE, value));

/** Set or map, key and (in maps) value of a publication. */
function placeOf({ proto, hostAddress, hostPort, address, port, trusted }: Publication): { set: string; key: Buffer; value?: Buffer } {
  const protocol = Buffer.from([PROTOCOLS[proto], 0, 0, 0]);
  if (hostPort === 0) {
    return { set: openSet({ address, trusted }), key: Buffer.concat([addressField(address), protocol, portField(port)]) };
  }
  const wildcard = hostAddress === '0.0.0.0' || hostAddress === '::';
  return {
    set: `published${hostAddress.includes(':') ? 6 : 4}${wildcard ? '' : '-at'}`,
    key: Buffer.concat([...(wildcard ? [] : [addressField(hostAddress)]), protocol, portField(hostPort)]),
    value: Buffer.concat([addressField(address), portField(port)]),
  };
}

function elementMessage(table: string, verb: 'add' | 'delete', publication: Publication): Message {
  const { set, key, value } = placeOf(publication);
  const content = verb === 'add' && value ? [data(ELEM_DATA, value)] : [];
  const element = nested(DATA_VALUE | NLA_F_NESTED, data(ELEM_KEY, key), ...content);
  return {
    type: nftType(verb === 'add' ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM),
    flags: verb === 'add' ? NLM_F_CREATE : 0,
    ack: true,
    body: Buffer.concat([
      header(NFPROTO_INET, 0),
      attribute(LIST_TABLE, table),
      attribute(LIST_SET, set),
      nested(LIST_ELEMENTS | NLA_F_NESTED, element),
    ]),
  };
}

/** All or none, synchronously. @throws SystemError ENOENT when the table (or the element to delete) is not there */
export function changePublications(netlink: Netlink, table: string, verb: 'add' | 'delete', publications: Publication[]): void {
  batch(
    netlink,
    'published ports',
    publications.map((publication) => elementMessage(table, verb, publication)),
  );
}
