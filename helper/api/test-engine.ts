import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { resolveConfig } from '../config/index.ts';
import { Failure } from '../engine/failure.ts';
import type { Engine } from './call.ts';
import { startApi } from './server.ts';

/** An engine of which only what a test gives exists; the rest fails when called. */
export type Parts = { [Noun in keyof Engine]?: Partial<Engine[Noun]> };

/** The API on a socket of its own over `parts`, for tests of the API alone. */
export async function serve(parts: Parts) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-api-'));
  const socketPath = path.join(folder, 'socket');
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const missing = (noun: string) =>
    new Proxy(parts[noun as keyof Engine] ?? {}, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (value === undefined) throw new Failure('system', `the test's engine has no ${noun}.${String(name)}`);
        return value;
      },
    });
  const nouns = ['containers', 'images', 'networks', 'volumes', 'events', 'system', 'metrics', 'statistics', 'stops', 'bin', 'copies'];
  const api = await startApi({
    listeners: [{ kind: 'unix', path: socketPath }],
    engine: Object.fromEntries(nouns.map((noun) => [noun, missing(noun)])) as unknown as Engine,
    context: { paths: { data: folder, run: folder }, config: resolveConfig().engine, log: quiet, instance: 'test' },
    serverVersion: '0.1.0',
  });
  return {
    socketPath,
    request: (method: string, target: string, options: RequestOptions = {}) => request(socketPath, method, target, options),
    /** A bare connection on which `text` was sent. */
    raw(text: string): net.Socket {
      const socket = net.connect({ path: socketPath, allowHalfOpen: true });
      socket.write(text);
      return socket;
    },
    async close() {
      await api.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface RequestOptions {
  json?: unknown;
  body?: string;
  headers?: Record<string, string>;
}

export function request(socketPath: string, method: string, target: string, { json, body, headers = {} }: RequestOptions) {
  const text = json === undefined ? body : JSON.stringify(json);
  const type: Record<string, string> = json === undefined ? {} : { 'Content-Type': 'application/json' };
  return new Promise<{ status: number; headers: http.IncomingHttpHeaders; text: string }>((resolve, reject) => {
    const length: Record<string, string> = text === undefined ? {} : { 'Content-Length': `${Buffer.byteLength(text)}` };
    const sent = http.request({ socketPath, method, path: target, headers: { ...type, ...length, ...headers } }, async (answer) => {
      let received = '';
      try {
        for await (const chunk of answer.setEncoding('utf8')) received += chunk;
      } catch (error) {
        reject(error);
      }
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: received });
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

/** Everything until the other side ends. */
export async function readAll(socket: net.Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += (chunk as Buffer).toString('latin1');
  return text;
}
