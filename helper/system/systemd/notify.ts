import { sendDatagram } from '../syscall/index.ts';

/** What the service manager is told: `READY=1`, `STOPPING=1`, `RELOADING=1`, `STATUS=…`. */
export type Notify = (...lines: string[]) => void;

/**
 * Tells systemd where the service stands, when it wants to know (Type=notify); does nothing otherwise, and never fails.
 * The address is taken out of the environment: no container's process may speak for us. Source: sd_notify(3).
 */
export function createNotify(env: NodeJS.ProcessEnv = process.env): Notify {
  const address = env.NOTIFY_SOCKET;
  delete env.NOTIFY_SOCKET;
  if (!address || !/^[/@]/.test(address)) return () => {};
  return (...lines) => {
    try {
      sendDatagram(address, Buffer.from(lines.join('\n')));
    } catch {
      // Nobody listens any more: nobody needs to know.
    }
  };
}
