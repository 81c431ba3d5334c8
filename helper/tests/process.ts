import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs to the end. Never throws for an exit code. */
export async function run(command: string, args: string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Finished> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? -1, stdout, stderr };
}

/** Resolves when something answers on the socket. @throws when `child` ends before, or after 30 s */
export async function answering(socketPath: string, child: ChildProcess, log: () => string): Promise<void> {
  for (let tries = 0; tries < 1500; tries++) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the engine ended at start:\n${log()}`);
    const up = await new Promise<boolean>((resolve) => {
      const socket = net.connect(socketPath, () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (up) return;
    await delay(20);
  }
  throw new Error(`the engine did not answer on ${socketPath}:\n${log()}`);
}

/** Sends `signal` and waits for the end. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** What `probe` gives once it gives something; for the state of a kernel, which has no events. @throws after `limitMs` */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined> | T | undefined, limitMs = 20_000): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await delay(10);
  }
}
