const FIRST_FD = 3;

/** A listening socket that systemd has opened for us. */
export interface PassedSocket {
  fd: number;
  /** FileDescriptorName= of the socket unit; `unknown` where none was said. */
  name: string;
}

/**
 * The sockets that systemd passed on; none when they are meant for another process. What we start must not take them for its
 * own, so the variables are removed from the environment. Source: sd_listen_fds(3).
 */
export function takePassedSockets(env: NodeJS.ProcessEnv = process.env, pid: number = process.pid): PassedSocket[] {
  const count = env.LISTEN_PID === String(pid) ? Number(env.LISTEN_FDS ?? 0) : 0;
  const names = (env.LISTEN_FDNAMES ?? '').split(':');
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID']) delete env[name];
  if (!Number.isInteger(count) || count < 1) return [];
  return Array.from({ length: count }, (_, index) => ({ fd: FIRST_FD + index, name: names[index] || 'unknown' }));
}
