/** The real docker-registry (Debian's package), with a configuration of our own. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface DockerRegistry {
  port: number;
  stop(): Promise<void>;
}

export interface RegistryOptions {
  /** Default: 127.0.0.1. */
  address?: string;
  /** Users with their passwords. */
  users?: Record<string, string>;
  /** PEM files. With `clientCa`, clients need a certificate of that authority. */
  tls?: { cert: string; key: string; clientCa?: string };
}

export async function startDockerRegistry({ address = '127.0.0.1', users, tls }: RegistryOptions = {}): Promise<DockerRegistry> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-registry-'));
  mkdirSync(path.join(folder, 'store'));
  const file = path.join(folder, 'users');
  // bcrypt: the one kind that it takes; at its lowest cost.
  const line = ([name, password]: [string, string]): string =>
    execFileSync('htpasswd', ['-BbnC', '4', name, password], { encoding: 'utf8' }).trim();
  if (users) writeFileSync(file, Object.entries(users).map(line).join('\n'));
  const config = {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: path.join(folder, 'store') }, delete: { enabled: true } },
    http: {
      addr: `${address}:0`,
      secret: 'of these tests',
      ...(tls ? { tls: { certificate: tls.cert, key: tls.key, ...(tls.clientCa ? { clientcas: [tls.clientCa] } : {}) } } : {}),
    },
    ...(users ? { auth: { htpasswd: { realm: 'harbour', path: file } } } : {}),
  };
  // JSON is YAML.
  writeFileSync(path.join(folder, 'config.yml'), JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', path.join(folder, 'config.yml')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  const port = await new Promise<number>((resolve, reject) => {
    child.stderr.on('data', (text) => {
      log += text;
      const found = /listening on \S+:(\d+)/.exec(log)?.[1];
      if (found) resolve(Number(found));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`docker-registry ended with code ${code}:\n${log}`)));
  });
  return {
    port,
    async stop() {
      const exited = once(child, 'exit');
      if (child.kill('SIGKILL')) await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
