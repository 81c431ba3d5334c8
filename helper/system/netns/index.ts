export { announceAddress } from './announce.ts';
export { forgetConnectionsTo } from './conntrack.ts';
export { withHostLock } from './host-lock.ts';
export * from './links.ts';
export { connectTcp, openListener } from './listeners.ts';
export * from './namespace.ts';
export { NETLINK_NETFILTER, Netlink } from './netlink.ts';
export { close, localPort, SystemError } from './sockets.ts';
