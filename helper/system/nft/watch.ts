import { listenToGroup } from '../netns/listen.ts';
import { attribute, NETLINK_NETFILTER, type Netlink, parseAttributes } from '../netns/netlink.ts';
import { SystemError } from '../netns/sockets.ts';
import { hasLegacyFilter } from './forward-accept.ts';

const NFNLGRP_NFTABLES = 7;
const NFT_MSG_GETTABLE = (10 << 8) | 1;
const NEWTABLE = 0;
const DELTABLE = 2;
const RULESET_CHANGES = new Set([0, DELTABLE, 3, 5, 6, 8]);
const NFPROTO_INET = 1;
const QUIET_MS = 200;
const LEGACY_MS = 30_000;

/**
 * Tells when somebody took our table away (`nft flush ruleset`, a firewall's reload), and when iptables' filter table
 * changed (a daemon that sets FORWARD to drop) or firewalld made its own anew. The kernel says so, but for changes by
 * iptables-legacy: where its table is in use it is looked at every half minute.
 * Source: linux/netfilter/nf_tables.h, group NFNLGRP_NFTABLES.
 */
export function watchRuleset(
  table: string,
  told: { tableGone(): void; filterChanged(): void; firewalldStarted(): void },
): { close(): void } {
  let timer: NodeJS.Timeout | undefined;
  let gone = false;
  let filter = false;
  let firewalld = false;
  // Rule sets change in bursts: looked at once it is quiet.
  const later = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      const [wasGone, wasFilter, wasFirewalld] = [gone, filter, firewalld];
      gone = false;
      filter = false;
      firewalld = false;
      if (wasGone) told.tableGone();
      if (wasFirewalld) told.firewalldStarted();
      if (wasFilter || wasFirewalld) told.filterChanged();
    }, QUIET_MS).unref();
  };
  const listener = listenToGroup(
    NETLINK_NETFILTER,
    NFNLGRP_NFTABLES,
    (messages) => {
      for (let at = 0; at + 20 <= messages.length; ) {
        const size = messages.readUInt32LE(at);
        const type = messages.readUInt16LE(at + 4);
        if (size < 20) break;
        if (type >> 8 === 10 && RULESET_CHANGES.has(type & 0xff)) {
          const name = parseAttributes(messages.subarray(at + 20, at + size))
            .get(1)
            ?.toString('utf8')
            .replace(/\0.*$/s, '');
          if (name === table && (type & 0xff) === DELTABLE) gone = true;
          if (name === 'filter') filter = true;
          if (name === 'firewalld' && (type & 0xff) === NEWTABLE) firewalld = true;
        }
        at += (size + 3) & ~3;
      }
      if (gone || filter || firewalld) later();
    },
    () => {
      gone = true;
      filter = true;
      later();
    },
  );
  const legacy = setInterval(() => {
    if (hasLegacyFilter(false) || hasLegacyFilter(true)) told.filterChanged();
  }, LEGACY_MS).unref();
  return {
    close() {
      clearInterval(legacy);
      clearTimeout(timer);
      listener.close();
    },
  };
}

export function tableExists(netlink: Netlink, table: string): boolean {
  try {
    netlink.get('table', NFT_MSG_GETTABLE, Buffer.concat([Buffer.from([NFPROTO_INET, 0, 0, 0]), attribute(1, table)]));
    return true;
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ENOENT') return false;
    throw error;
  }
}
