import net from 'node:net';
import { DEFAULT_SOCKET } from './config/index.ts';

/**
 * `gantryd dial-stdio [--socket PATH]`: joins stdin and stdout to the engine's socket, each direction ending on its own. For clients
 * that reach this machine by a command only (`ssh HOST gantryd dial-stdio`).
 *
 * @returns the exit code: 0 when the engine has closed the stream, 1 when there is none, 2 for wrong arguments
 */
export function dialStdio(argv: string[]): Promise<number> {
  const [option, value, ...more] = argv;
  const path = option === undefined ? DEFAULT_SOCKET : option === '--socket' ? value : option.replace(/^--socket=/, '');
  if (path === undefined || !path.startsWith('/') || more.length > 0) {
    process.stderr.write("gantryd dial-stdio: the only argument is --socket PATH\nSee 'gantryd --help'.\n");
    return Promise.resolve(2);
  }
  return new Promise((resolve) => {
    const socket = net.connect({ path, allowHalfOpen: true });
    socket.on('error', (error) => {
      process.stderr.write(`gantryd dial-stdio: ${error.message}\n`);
      resolve(1);
    });
    // Whoever reads us has gone.
    process.stdout.on('error', () => resolve(0));
    socket.on('connect', () => {
      process.stdin.pipe(socket);
      socket.pipe(process.stdout, { end: false });
      socket.on('end', () => process.stdout.end(() => resolve(0)));
    });
  });
}
