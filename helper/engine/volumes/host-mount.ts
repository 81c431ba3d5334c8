import { spawn } from 'node:child_process';
import { type HostMounts, mounts, takeMount } from '../../system/mount/index.ts';
import type { DriverOptions } from './options.ts';

const LIMIT_MS = 60_000;
/** Says that it has mounted, and stays until it was heard: its namespace ends with it. Also when we do. */
const SCRIPT = 'mount "$@" || exit; echo; read _';

/** Whether what is mounted is a path of the host's: a bind, an overlay of folders, a disk in a file. Pure. */
export function namesPath({ device = '', o = '' }: DriverOptions): boolean {
  return device.startsWith('/') || /[=:]\//.test(o);
}

/**
 * mount(8) with the host's mounts as they are now: in a copy of the host's namespace, from which ours takes what was mounted.
 *
 * @param args of mount(8)
 * @returns undefined on success, else what it said
 * @throws SystemCallError
 */
export async function mountOnHost(host: HostMounts, args: readonly string[], target: string): Promise<string | undefined> {
  const enter = [...host.enter, 'unshare', '--mount', '--propagation', 'unchanged', 'sh', '-c', SCRIPT, 'sh'];
  const child = spawn('nsenter', [...enter, ...args], {
    stdio: 'pipe',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text;
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(words.trim() || `mount ended with ${signal ?? code}`));
  });
  const mounted = new Promise<undefined>((resolve) => child.stdout.once('data', () => resolve(undefined)));
  try {
    const failure = await Promise.race([mounted, ended]);
    if (failure !== undefined) return failure;
    // Where the engine's folder is shared, it has come here by itself.
    const isHere = (await mounts()).some((entry) => entry.target === target);
    if (!isHere) takeMount(child.pid as number, target);
    return undefined;
  } finally {
    child.stdin.end();
    await ended;
  }
}
