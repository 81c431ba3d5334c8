import { spawn } from 'node:child_process';
import type { Address } from './address.ts';
import { type ConfigFiles, type HostConfig, resolveHost } from './config.ts';

const EXEC_MS = 10_000;
const COMMANDS_LIMIT = 32;

/**
 * How to connect to what was typed, `Match exec` included: its commands are run, each once, in the order in which ssh would.
 *
 * @throws Error with a sentence for the user; the signal's reason
 */
export async function resolveRunning(files: ConfigFiles, address: Address, signal: AbortSignal): Promise<HostConfig> {
  const outcomes = new Map<string, boolean>();
  for (;;) {
    let wanted: string | undefined;
    const config = resolveHost(files, address, (command) => {
      if (!outcomes.has(command)) wanted ??= command;
      return outcomes.get(command) === true;
    });
    if (wanted === undefined || outcomes.size >= COMMANDS_LIMIT) return config;
    outcomes.set(wanted, await endsWell(wanted, files.env, signal));
  }
}

/** As ssh: by the user's shell, without input and output. */
function endsWell(command: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const child = spawn(env.SHELL || '/bin/sh', ['-c', `exec ${command}`], { stdio: 'ignore', timeout: EXEC_MS, killSignal: 'SIGKILL' });
    const abort = () => {
      child.kill('SIGKILL');
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    const end = (isWell: boolean) => {
      signal.removeEventListener('abort', abort);
      resolve(isWell);
    };
    child.once('error', () => end(false));
    child.once('exit', (code) => end(code === 0));
  });
}
