import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { ConnectAttempt, Host, TcpSecurity } from '../ipc/contract.ts';
import { Below } from './below.ts';
import { TestCa } from './certificates.ts';
import { FakeEngine } from './fake-engine.ts';
import { MemorySecrets } from './ssh-answers.ts';

/** What the servers of these tests are called. */
export const NAMES = 'IP:127.0.0.1,IP:::1,DNS:localhost';
export const PASSPHRASE = 'open, sesame';

/** For a file's tests: a CA with certificates, an engine behind TLS, and the part of the app below the window. Ends after each. */
export function tcpWorld() {
  let folder: string;
  let home: string;
  let ours: TestCa;
  let others: TestCa;
  let server: string;
  let engine: FakeEngine;
  let secrets: MemorySecrets;
  let ends: (() => unknown)[];
  const listeners = new Map<number, () => Promise<void>>();
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-tcp-'));
    ours = new TestCa(join(folder, 'ours'), 'ours');
    others = new TestCa(join(folder, 'others'), 'others');
    server = ours.issue('server', { names: NAMES });
    ours.issue('ada');
    ours.issue('locked', { passphrase: PASSPHRASE });
    others.issue('stranger');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'gantry-home-'));
    engine = await FakeEngine.create();
    secrets = new MemorySecrets();
    ends = [() => rmSync(home, { recursive: true, force: true }), () => engine.dispose()];
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** The files of a folder, as a user picks them. */
  const files = (of: string, more: Partial<Extract<TcpSecurity, { kind: 'tls' }>> = {}): TcpSecurity => ({
    kind: 'tls',
    ca: join(of, 'ca.pem'),
    cert: join(of, 'cert.pem'),
    key: join(of, 'key.pem'),
    ...more,
  });
  const client = (name: string) => join(ours.folder, name);

  async function listening(made: Server, port = 0): Promise<number> {
    const sockets = new Set<Socket>();
    made.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => made.listen(port, '127.0.0.1', resolve));
    const { port: bound } = made.address() as AddressInfo;
    const stop = async () => {
      if (!listeners.delete(bound)) return;
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => made.close(resolve));
    };
    listeners.set(bound, stop);
    ends.push(stop);
    return bound;
  }
  function toEngine(socket: Socket): void {
    const inside = connect(engine.socketPath);
    socket.on('error', () => inside.destroy());
    inside.on('error', () => socket.destroy());
    socket.pipe(inside).pipe(socket);
    socket.on('close', () => inside.destroy());
    inside.on('close', () => socket.destroy());
  }
  /** The engine behind TLS that wants certificates of our CA. */
  const secured = (of = server, more: tls.TlsOptions = {}) =>
    tls.createServer(
      {
        cert: readFileSync(join(of, 'cert.pem')),
        key: readFileSync(join(of, 'key.pem')),
        ca: readFileSync(ours.ca),
        requestCert: true,
        rejectUnauthorized: true,
        ...more,
      },
      toEngine,
    );

  class BelowTcp extends Below {
    constructor() {
      super('tcp', home, secrets);
      ends.push(() => this.hosts.stop());
    }
    /** @param answers to questions for a passphrase, in turn */
    async tried(
      port: number,
      security: TcpSecurity,
      { answers = [] as string[], host = '127.0.0.1', again = '' } = {},
    ): Promise<ConnectAttempt> {
      if (again === '') this.hosts.attempts.startTcp(`tcp://${host}:${port}`, security);
      else this.hosts.signIn(again);
      return this.through(() => answers.shift() ?? null);
    }
    async added(port: number, security: TcpSecurity): Promise<Host> {
      const { id, error } = await this.tried(port, security);
      expect(error).toBeUndefined();
      await this.hosts.addTcp({ attempt: id, name: 'nas', colour: 'blue' });
      return this.becomes('connected');
    }
  }
  async function started(): Promise<BelowTcp> {
    const app = new BelowTcp();
    await app.hosts.start();
    return app;
  }
  const steps = ({ steps: all }: ConnectAttempt) => all.map(({ kind, status }) => `${kind} ${status}`);

  return {
    get folder() {
      return folder;
    },
    get home() {
      return home;
    },
    get ours() {
      return ours;
    },
    get others() {
      return others;
    },
    /** The folder of the engine's certificate. */
    get server() {
      return server;
    },
    get engine() {
      return engine;
    },
    get secrets() {
      return secrets;
    },
    defer: (end: () => unknown) => void ends.push(end),
    files,
    client,
    listening,
    /** Ends what listens on a port, and all its connections. */
    stopListening: async (port: number) => listeners.get(port)?.(),
    toEngine,
    secured,
    started,
    steps,
  };
}
