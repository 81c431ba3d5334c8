/** Starting programs. Dependency-free. */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Runs a program to its end.
 *
 * @param command  name or path
 * @param args     its arguments
 * @param options  spawn's options; `quiet: true` collects the output instead of showing it; `timeoutMs` kills it (code 124)
 * @returns { code, output, error }: its exit code (127: not found), what it wrote when quiet, and on stderr alone
 */
export function run(command, args, { quiet = false, timeoutMs, input, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', quiet ? 'pipe' : 2, quiet ? 'pipe' : 2],
      ...options,
    });
    const parts = [];
    const errors = [];
    let timedOut = false;
    child.stdout?.on('data', (chunk) => parts.push(chunk));
    child.stderr?.on('data', (chunk) => {
      parts.push(chunk);
      errors.push(chunk);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    const timer = timeoutMs
      ? setTimeout(() => {
          timedOut = true;
          child.kill('SIGKILL');
        }, timeoutMs)
      : undefined;
    const finish = (code) => {
      clearTimeout(timer);
      resolve({ code: timedOut ? 124 : code, output: Buffer.concat(parts).toString(), error: Buffer.concat(errors).toString() });
    };
    child.on('error', (error) => finish(error.code === 'ENOENT' ? 127 : 126));
    child.on('close', (code, signal) => finish(code ?? (signal ? 128 : 1)));
  });
}

/** What a short program prints on stdout, or undefined when it fails. */
export function ask(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], ...options });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** The path of a program on PATH (the sbin folders too: users have them not on theirs), or undefined. */
export function which(name) {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

export const isRoot = process.getuid?.() === 0;
