import type { IncomingMessage } from 'node:http';

/** How long a connection that has been answered waits for what its client still sends. */
const LINGER_MS = 5000;

/**
 * Has an answered connection that is to be closed (`Connection: close`) wait for the rest of the request's body, which nobody reads any more.
 * To close it under a client that still sends makes its writes fail, and many a client reports a broken pipe, then, and never reads
 * the answer that says what was wrong. Node's server calls `destroySoon` of the socket when the answer is out (documented: net.Socket)
 * and drops what comes of the body by itself.
 */
export function lingerForBody(request: IncomingMessage): void {
  if (request.complete) return;
  const { socket } = request;
  const close = socket.destroySoon;
  socket.destroySoon = () => {
    socket.destroySoon = close;
    if (request.complete || socket.destroyed) {
      socket.destroySoon();
      return;
    }
    // The client sees the end of the answer at once.
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
    request.once('end', () => socket.destroySoon());
  };
}
