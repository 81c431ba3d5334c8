import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Call } from './call.ts';

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendBody(response, status, Buffer.from(`${JSON.stringify(value)}\n`));
}

function sendBody(response: ServerResponse, status: number, body: Buffer): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

const texts = new WeakMap<object, string>();
let lastList: { items: readonly object[]; body: Buffer } | undefined;

/**
 * An answer that clients ask for again and again while little of it changes. An item is written as JSON once: the same object means
 * the same text, so whoever makes the items makes a new one for each change. A list that is all the same is not even put together.
 */
export function sendList(response: ServerResponse, items: readonly object[]): void {
  if (lastList?.items.length !== items.length || !items.every((item, at) => item === lastList?.items[at])) {
    lastList = { items, body: Buffer.from(`[${items.map(textOf).join(',')}]\n`) };
  }
  sendBody(response, 200, lastList.body);
}

function textOf(item: object): string {
  let text = texts.get(item);
  if (text === undefined) {
    text = JSON.stringify(item);
    texts.set(item, text);
  }
  return text;
}

/** An empty list that Go leaves unmade, and writes as null: clients of dockerd tell `null` and `[]` apart. */
export function orNull<T>(list: T[] | null): T[] | null {
  return list?.length ? list : null;
}

/** 204, 201, 200 without a body. */
export function sendEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 204 ? {} : { 'Content-Length': 0 }).end();
}

/** Status and headers now, before there is any body: clients wait for them (events, wait, logs of a quiet container). */
export function begin(response: ServerResponse, contentType: string, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'Content-Type': contentType, ...headers });
  response.flushHeaders();
}

/** Pipes with backpressure; a client that goes away ends the source. Errors of the source break the connection. */
export async function sendStream(call: Call, body: Readable): Promise<void> {
  try {
    await pipeline(body, call.response);
  } catch (error) {
    if (call.signal.aborted) return;
    throw error;
  }
}

/** Writes texts as they come, waiting while the client does not read. */
export async function sendTexts(call: Call, texts: AsyncIterable<string>): Promise<void> {
  for await (const text of texts) {
    if (call.signal.aborted) return;
    if (!call.response.write(text)) await drained(call);
  }
  call.response.end();
}

function drained({ response, signal }: Call): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.on('drain', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
