import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** Runs a program on a terminal of its own; lines `ROWS COLUMNS` on descriptor 3 resize it. Python has ptys, Node has none. */
const RELAY = `
import fcntl, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
def size(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
size(24, 80)
sources = [fd, 0, 3]
while fd in sources:
    for ready in select.select(sources, [], [])[0]:
        try:
            data = os.read(ready, 65536)
        except OSError:
            data = b''
        if not data:
            sources.remove(ready)
        elif ready == 3:
            size(*[int(word) for word in data.split()[-2:]])
        else:
            os.write(1 if ready == fd else fd, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;

/** A program as a person at a terminal sees it. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number>;
  #seen = '';
  #wake: (() => void) | undefined;

  constructor(command: string, args: string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn('python3', ['-c', RELAY, command, ...args], {
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
      env: { ...process.env, TERM: 'xterm', ...env },
    });
    this.#child.stdin?.on('error', () => {});
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#seen += text;
      this.#wake?.();
    });
    this.#exit = once(this.#child, 'close').then(([code]) => {
      this.#wake?.();
      return (code as number | null) ?? -1;
    });
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  resize(rows: number, columns: number): void {
    (this.#child.stdio[3] as Writable).write(`${rows} ${columns}\n`);
  }

  /** Resolves when `text` has appeared since the last call. @throws after `timeoutMs`, with what there was */
  async until(text: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!this.#seen.includes(text)) {
      if (Date.now() > deadline || this.#child.exitCode !== null)
        throw new Error(`no ${JSON.stringify(text)} in ${JSON.stringify(this.#seen)}`);
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), delay(Math.min(500, timeoutMs))]);
    }
    this.#seen = this.#seen.slice(this.#seen.indexOf(text) + text.length);
  }

  /** The exit code. */
  ended(): Promise<number> {
    return this.#exit;
  }
}
