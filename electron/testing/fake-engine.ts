import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Route = (request: IncomingMessage, response: ServerResponse) => void;

/** A small engine on a Unix socket for unit tests: answers the handshake, and what a test adds. */
export class FakeEngine {
  readonly folder: string;
  readonly socketPath: string;
  /** `METHOD /path` without version and query → what answers. */
  readonly routes = new Map<string, Route>();
  /** Method and address of every request, as it came. */
  readonly requests: string[] = [];
  readonly sockets = new Set<Socket>();
  onUpgrade: ((request: IncomingMessage, socket: Socket) => void) | undefined;
  #server: Server | undefined;

  private constructor(folder: string) {
    this.folder = folder;
    this.socketPath = join(folder, 'engine.sock');
    this.routes.set('GET /_ping', (_, response) => response.setHeader('Api-Version', '1.47').end('OK'));
    this.routes.set('GET /version', (_, response) =>
      response.end(JSON.stringify({ Version: '9.9', ApiVersion: '1.47', Os: 'linux', Arch: 'amd64', Platform: { Name: 'Gantry' } })),
    );
    this.routes.set('GET /events', (_, response) => response.writeHead(200).flushHeaders());
  }

  static async create(): Promise<FakeEngine> {
    const engine = new FakeEngine(await mkdtemp(join(tmpdir(), 'gantry-fake-')));
    await engine.listen();
    return engine;
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      const path = (request.url ?? '').replace(/^\/v\d+\.\d+/, '').replace(/\?.*$/, '');
      const route = this.routes.get(`${request.method} ${path}`);
      if (route) route(request, response);
      else response.writeHead(404).end('{"message":"page not found"}');
    });
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      this.requests.push(`${request.method} ${request.url}`);
      this.onUpgrade?.(request, socket);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.socketPath, resolve));
  }

  /** As if it was killed: all connections break, the socket is gone. */
  async kill(): Promise<void> {
    const server = this.#server;
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  }

  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
