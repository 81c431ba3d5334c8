import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** How long a connection that has been answered waits for what its client still sends. */
const LINGER_MS = 5000;

/** The last request with a body on each connection that is seen to. */
const lastWithBody = new WeakMap<Socket, IncomingMessage>();

/**
 * Has an answered connection that is to be closed (`Connection: close`) wait for the rest of the request's body, which nobody reads any more.
 * To close it under a client that still sends makes its writes fail, and many a client reports a broken pipe, then, and never reads
 * the answer that says what was wrong. Node's server calls `destroySoon` of the socket when the answer is out (documented: net.Socket)
 * and drops what comes of the body by itself.
 */
export function lingerForBody(request: IncomingMessage): void {
  const { headers, socket } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  const seenTo = lastWithBody.has(socket);
  lastWithBody.set(socket, request);
  // A connection is used for thousands of requests.
  if (!seenTo) closeAfterBody(socket);
}

function closeAfterBody(socket: Socket): void {
  const close = socket.destroySoon;
  socket.destroySoon = () => {
    socket.destroySoon = close;
    const request = lastWithBody.get(socket);
    if (!request || request.complete || socket.destroyed) {
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
