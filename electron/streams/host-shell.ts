import { execFile, spawn } from 'node:child_process';
import { homedir, userInfo } from 'node:os';
import { Duplex, type Readable } from 'node:stream';
import { pause } from '../hosts/abort.ts';
import type { SshSession } from '../ssh/index.ts';
import type { Session, Size } from './session.ts';

const never = new AbortController().signal;
const CLOSE_MS = 2000;

/** The user's shell on a machine over SSH. @throws ChannelRefused, or an Error with what the machine said */
export async function startSshShell(session: SshSession, size: Size): Promise<Session> {
  const { stream, resize, exitCode } = await session.openShell(size);
  return {
    stream,
    tty: true,
    resize: async (to) => resize(to),
    ended: async () => {
      // The exit code comes after the end of the output, with the end of the channel.
      if (!stream.closed) await Promise.race([new Promise((resolve) => stream.once('close', resolve)), pause(CLOSE_MS, never)]);
      const code = exitCode();
      return code === null && session.closed ? { exitCode: null, reason: 'disconnected' } : { exitCode: code };
    },
    // sshd hangs up on what runs in the terminal when its channel is closed.
    hangUp: () => {},
  };
}

/** Told as fd 3, so that its size can be set from outside. With iutf8 the system's own line editing takes back whole characters. */
const COMMAND =
  'tty >&3; exec 3>&-; stty rows "$GANTRY_ROWS" cols "$GANTRY_COLS" iutf8; SHELL=$GANTRY_SHELL; export SHELL; unset GANTRY_SHELL GANTRY_ROWS GANTRY_COLS; exec "$SHELL"';
const TTY = /^\/dev\/[\w/]{1,40}\n/;

/**
 * The user's shell on this machine (Linux). The terminal is made by util-linux' `script`, which every distribution has: a native module
 * for pseudo-terminals would have to be built for each version of Electron.
 */
export async function startLocalShell(size: Size): Promise<Session> {
  const env = {
    // Without a UTF-8 locale, line editing takes Chinese text apart.
    LANG: 'C.UTF-8',
    ...process.env,
    SHELL: '/bin/sh',
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    GANTRY_SHELL: userInfo().shell || process.env.SHELL || '/bin/sh',
    GANTRY_ROWS: String(size.rows),
    GANTRY_COLS: String(size.cols),
  };
  const child = spawn('script', ['-qefc', COMMAND, '/dev/null'], { cwd: homedir(), env, stdio: ['pipe', 'pipe', 'ignore', 'pipe'] });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('exit', resolve);
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error('A shell here needs the program "script" (package util-linux or bsdutils)') : error),
    );
  });
  exited.catch(() => {});
  const tty = await new Promise<string>((resolve, reject) => {
    let told = '';
    (child.stdio[3] as Readable).on('data', (data) => {
      told += data;
      if (TTY.test(told)) resolve(told.trim());
    });
    exited.then(() => reject(new Error('The shell ended at once')), reject);
  });
  return {
    stream: Duplex.from({ readable: child.stdout, writable: child.stdin }),
    tty: true,
    resize: ({ cols, rows }) =>
      new Promise((resolve) => {
        execFile('stty', ['-F', tty, 'rows', String(rows), 'cols', String(cols)], () => resolve());
      }),
    ended: async () => ({ exitCode: await exited }),
    // With a gentler signal `script` waits for a shell that ignores it; its end closes the terminal, and that hangs up on all within.
    hangUp: () => void child.kill('SIGKILL'),
  };
}
