import { createServer, type ServerResponse } from 'node:http';
import type { Log } from '../engine/context.ts';
import { Failure, messageOf } from '../engine/failure.ts';
import type { Metrics } from '../engine/metrics/types.ts';

/** Writes the metrics as the answer to a request. */
export async function sendMetrics(response: ServerResponse, metrics: Metrics): Promise<void> {
  const { contentType, body } = await metrics.text();
  response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) }).end(body);
}

/**
 * The address of `metrics-addr`: `GET /metrics` and nothing else, in the clear, as dockerd has it: the figures name no container.
 * @throws Failure unavailable when the address is taken
 */
export async function serveMetrics(address: { host: string; port: number }, metrics: Metrics, log: Log): Promise<{ close(): void }> {
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?');
    if (path !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(path === '/metrics' ? 405 : 404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
      return;
    }
    sendMetrics(response, metrics).catch((error) => {
      log.error('metrics could not be told', { error: messageOf(error) });
      response.destroy();
    });
  });
  const { host, port } = address;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Failure('unavailable', `metrics-addr: failed to listen on ${host}:${port}: ${messageOf(error)}`, { cause: error })),
    );
    server.listen(port, host === 'localhost' ? '127.0.0.1' : host, resolve);
  });
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
