import { promises as fs } from 'node:fs';
import type { Proto } from './request.ts';

/**
 * Which process holds a port of the host, in words (`nginx, pid 4711`); undefined when it can't be told (another network
 * namespace's forwarding, no rights).
 * Source: /proc/net/tcp and its kin (proc(5)): local port in hexadecimal, inode; /proc/PID/fd.
 */
export async function portHolder(proto: Proto, port: number): Promise<string | undefined> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const file of proto === 'sctp' ? [] : [`/proc/net/${proto}`, `/proc/net/${proto}6`]) {
    for (const line of (await fs.readFile(file, 'utf8').catch(() => '')).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [, local, , state] = fields;
      // 0A: listening; UDP sockets have no such state.
      if (local?.split(':')[1] === wanted && (proto === 'udp' || state === '0A') && fields[9]) inodes.add(`socket:[${fields[9]}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const pid of await fs.readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of await fs.readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await fs.readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (!inodes.has(target)) continue;
      const name = (await fs.readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
      return `${name || 'a process'}, pid ${pid}`;
    }
  }
  return undefined;
}
