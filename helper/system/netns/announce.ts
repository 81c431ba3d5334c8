import ipaddr from 'ipaddr.js';
import { AF_PACKET, close, SOCK_DGRAM, sendTo, socket } from './sockets.ts';

const ETH_P_ARP = 0x0806;
const ETH_P_IPV6 = 0x86dd;
const ARPHRD_ETHER = 1;
const ALL_STATIONS = 'ffffffffffff';
/** Ethernet address of ff02::1. */
const ALL_NODES = '333300000001';

/**
 * Tells the neighbours on a link whose address this is now: those that remember another owner would send to where nobody is.
 * In the namespace that the main thread is in.
 *
 * @param index of the link
 * @param mac   its address, `02:42:…`
 * @throws SystemError
 * Source: RFC 5227 (ARP announcement), RFC 4861 7.2.6 (unsolicited neighbour advertisement)
 */
export function announceAddress(index: number, mac: string, address: string): void {
  const hardware = Buffer.from(mac.replaceAll(':', ''), 'hex');
  const bytes = Buffer.from(ipaddr.parse(address).toByteArray());
  const v6 = bytes.length === 16;
  const fd = socket(AF_PACKET, SOCK_DGRAM, 0);
  try {
    const packet = v6 ? advertisement(hardware, bytes) : announcement(hardware, bytes);
    sendTo(fd, packet, linkAddress(index, v6 ? ETH_P_IPV6 : ETH_P_ARP, v6 ? ALL_NODES : ALL_STATIONS));
  } finally {
    close(fd);
  }
}

/** sockaddr_ll of packet(7). */
function linkAddress(index: number, protocol: number, mac: string): Buffer {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(protocol, 2);
  address.writeInt32LE(index, 4);
  address.writeUInt16LE(ARPHRD_ETHER, 8);
  address.writeUInt8(6, 11);
  address.write(mac, 12, 'hex');
  return address;
}

/** An ARP request for the own address. */
function announcement(mac: Buffer, address: Buffer): Buffer {
  const head = Buffer.from('0001080006040001', 'hex');
  return Buffer.concat([head, mac, address, Buffer.alloc(6), address]);
}

function advertisement(mac: Buffer, address: Buffer): Buffer {
  const allNodes = Buffer.from('ff020000000000000000000000000001', 'hex');
  // Type 136; flags: override. The option at the end is the target's link-layer address.
  const message = Buffer.concat([Buffer.from('8800000020000000', 'hex'), address, Buffer.from('0201', 'hex'), mac]);
  const pseudo = Buffer.concat([address, allNodes, Buffer.from([0, 0, 0, message.length, 0, 0, 0, 58])]);
  message.writeUInt16BE(checksum(Buffer.concat([pseudo, message])), 2);
  // Version 6, ICMPv6, hop limit 255.
  const head = Buffer.from('6000000000003aff', 'hex');
  head.writeUInt16BE(message.length, 4);
  return Buffer.concat([head, address, allNodes, message]);
}

/** Source: RFC 1071 */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
