import dgram from 'node:dgram';
import net from 'node:net';
import dnsPacket, { type Packet } from 'dns-packet';
import { close, inNamespaceAt, localPort, NETLINK_NETFILTER, Netlink, openListener, SystemError } from '../../../system/netns/index.ts';
import { type LocalPort, setLocalPorts } from '../../../system/nft/local-port.ts';
import type { LiveSandbox } from '../model.ts';
import { hostResolvConf, RESOLVER, wishOf } from '../sandbox/files.ts';
import { PUBLIC_SERVERS, parseResolvConf } from '../sandbox/resolv-conf.ts';
import { hostFile } from '../subnets.ts';
import type { World } from '../world.ts';
import { answerQuery, emptyAnswer, failQuery, fitDatagram, malformed } from './answer.ts';
import { forward, frame, type Upstream } from './forward.ts';

const MAX_FORWARDED = 256;
const MAX_TCP_CLIENTS = 64;
const IDLE_MS = 10_000;

/**
 * Sockets of a name server in the namespace of the main thread: on any ports, to which a packet filter leads what is sent to port 53,
 * so that the container's own name server can listen on all addresses. Where the kernel has no NAT they hold port 53 itself.
 */
function listen(): [udp: number, tcp: number] {
  const open = (port: number): [number, number] => [openListener('udp', RESOLVER, port), openListener('tcp', RESOLVER, port)];
  const fds = open(0);
  const netlink = new Netlink(NETLINK_NETFILTER);
  try {
    const lead = (proto: 'tcp' | 'udp', fd: number): LocalPort => ({ proto, address: RESOLVER, port: 53, to: localPort(fd) });
    setLocalPorts(netlink, 'gantry-names', [lead('udp', fds[0]), lead('tcp', fds[1])]);
    return fds;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    for (const fd of fds) close(fd);
    return open(53);
  } finally {
    netlink.close();
  }
}

/** The name server at 127.0.0.11 port 53 of a container, served by the helper's own event loop: no process. Idempotent. */
export function openResolver(world: World, sandbox: LiveSandbox): void {
  if (sandbox.closeDns || sandbox.netnsPath === undefined) return;
  const [udpFd, tcpFd] = inNamespaceAt(sandbox.netnsPath, listen);
  const stop = new AbortController();
  let forwarded = 0;

  const resolve = async (message: Buffer, overTcp: boolean): Promise<Buffer | undefined> => {
    let query: Packet;
    try {
      query = dnsPacket.decode(message);
    } catch {
      return malformed(message);
    }
    if (query.type !== 'query') return undefined;
    const known = answerQuery(sandbox, query);
    if (known) return overTcp ? known : fitDatagram(known, query);
    if (isForSearch(world, sandbox, query)) return emptyAnswer(query);
    if (forwarded >= MAX_FORWARDED) return failQuery(query);
    forwarded++;
    try {
      return (await forward(message, upstreams(world, sandbox), overTcp, stop.signal)) ?? failQuery(query);
    } finally {
      forwarded--;
    }
  };

  const udp = dgram.createSocket('udp4');
  udp.on('error', () => {});
  udp.on('message', (message, from) => {
    void resolve(message, false).then((answer) => {
      if (answer && !stop.signal.aborted) udp.send(answer, from.port, from.address, () => {});
    });
  });
  udp.bind({ fd: udpFd });
  udp.unref();

  const clients = new Set<net.Socket>();
  const tcp = net.createServer((socket) => {
    if (clients.size >= MAX_TCP_CLIENTS) {
      socket.destroy();
      return;
    }
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
    socket.on('error', () => {});
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    serveStream(socket, (message) => resolve(message, true));
  });
  tcp.on('error', () => {});
  tcp.listen({ fd: tcpFd });
  tcp.unref();

  sandbox.closeDns = () => {
    sandbox.closeDns = undefined;
    stop.abort();
    udp.close();
    tcp.close();
    for (const socket of clients) socket.destroy();
  };
}

/** Questions over TCP, one after the other: reading stops while one is answered. */
function serveStream(socket: net.Socket, resolve: (message: Buffer) => Promise<Buffer | undefined>): void {
  let received = Buffer.alloc(0);
  const next = async (): Promise<void> => {
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const message = received.subarray(2, end);
      received = received.subarray(end);
      const answer = await resolve(message);
      if (socket.destroyed) return;
      if (answer) socket.write(frame(answer));
      else socket.destroy();
    }
    socket.resume();
  };
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    socket.pause();
    void next();
  });
}

/**
 * A name without a dot where `ndots` was set: the client goes on with its search domains, and the world is not asked for a
 * top-level domain.
 */
function isForSearch(world: World, sandbox: LiveSandbox, { questions = [] }: Packet): boolean {
  const [question] = questions;
  if (!question || (question.type !== 'A' && question.type !== 'AAAA') || question.name.replace(/\.$/, '').includes('.')) return false;
  const { options } = wishOf(world, sandbox);
  return (options.length > 0 ? options : hostResolvConf().options).some((option) => option.startsWith('ndots:'));
}

/** Containers of internal networks only are not to reach the world, by names neither. */
function leadsOut(sandbox: LiveSandbox): boolean {
  return [...sandbox.endpoints.values()].some((endpoint) => !endpoint.network.stored.internal);
}

/**
 * Servers that were asked for are asked from the container's own namespace: they may be neighbours there, or behind its VPN. The
 * host's are asked from the host's, so its own loopback servers are fine. Ours (127.0.0.11) would be a circle.
 */
function upstreams(world: World, sandbox: LiveSandbox): Upstream[] {
  const wish = wishOf(world, sandbox).nameservers;
  if (wish.length > 0) {
    return wish.filter((server) => server !== RESOLVER).map((address) => ({ address, namespace: sandbox.netnsPath }));
  }
  if (!leadsOut(sandbox)) return [];
  const host = parseResolvConf(hostFile('/etc/resolv.conf')).nameservers;
  const servers = host.length > 0 ? host : hostResolvConf().nameservers;
  return (servers.length > 0 ? servers : PUBLIC_SERVERS).map((address) => ({ address, namespace: undefined }));
}
