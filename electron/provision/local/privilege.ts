import { spawn } from 'node:child_process';
import { HostFailure } from '../../hosts/errors.ts';
import { executable } from './packages.ts';

/** How a program is started as root. */
export interface Launcher {
  /** It shows a question for a password, for which a person needs time. */
  asks: boolean;
  /** Exits (as text) that mean: the person said no. */
  refused: string[];
  /** What it starts runs as another user than this app: the engine has to give its socket to ours. */
  otherUser: boolean;
  wrap(command: string, args: string[], env: Record<string, string>): { command: string; args: string[]; env: NodeJS.ProcessEnv };
  terminate(pid: number): void;
}

/** @throws HostFailure needs-root when there is no way, or only one that asks and `mayAsk` is false */
export async function launcherFor({ mayAsk }: { mayAsk: boolean }): Promise<Launcher> {
  if (process.getuid?.() === 0) return asRoot;
  if (await succeeds('sudo', ['-n', 'true'])) return bySudo;
  const graphical = Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
  const pkexec = ['/usr/bin/pkexec', '/bin/pkexec'].find(executable);
  const detail = 'sudo systemctl enable --now gantry.socket';
  if (!pkexec || !graphical) {
    const message = 'Gantry’s engine needs root to start, and neither pkexec nor sudo without a password is available here';
    throw new HostFailure({ code: 'needs-root', message, detail }, { final: true });
  }
  if (!mayAsk) {
    throw new HostFailure(
      { code: 'needs-root', message: 'Gantry’s engine has stopped. Starting it needs your permission again', detail },
      { final: true },
    );
  }
  return byPkexec(pkexec);
}

const asRoot: Launcher = {
  asks: false,
  refused: [],
  otherUser: false,
  wrap: (command, args, env) => ({ command, args, env: { ...plainEnv(), ...env } }),
  terminate: kill,
};

const bySudo: Launcher = {
  asks: false,
  refused: [],
  otherUser: true,
  wrap: (command, args, env) => ({ command: 'sudo', args: ['-n', 'env', ...assignments(env), command, ...args], env: plainEnv() }),
  // sudo hands the signal on; we may not signal a process of root ourselves.
  terminate: (pid) => void spawn('sudo', ['-n', 'kill', '-TERM', String(pid)], { stdio: 'ignore' }).on('error', () => {}),
};

function byPkexec(pkexec: string): Launcher {
  return {
    asks: true,
    // pkexec(1): 126 the dialog was dismissed, 127 not authorized.
    refused: ['code 126', 'code 127'],
    otherUser: true,
    wrap: (command, args, env) => ({ command: pkexec, args: ['/usr/bin/env', ...assignments(env), command, ...args], env: plainEnv() }),
    terminate: kill,
  };
}

/** The app's own environment without what is meant for the app or its runtime. */
function plainEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(GANTRY_|ELECTRON_|NODE_OPTIONS$|CHROME_)/.test(name)));
}

function assignments(env: Record<string, string>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // Gone already.
  }
}

function succeeds(command: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
