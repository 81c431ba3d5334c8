import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { connectionError, readBody } from '../../registry/errors.ts';
import { Failure } from '../failure.ts';

const MOST_REDIRECTS = 10;

export interface Download {
  archive: Readable;
  download: { url: string; totalBytes: number };
}

/**
 * `docker import http://…`: the engine fetches it. (Not by `fetch`, which refuses some ports, as a browser has to.)
 * @throws Failure invalidParameter for what is no such address, system when there is nothing at it
 */
export async function download(source: string, signal: AbortSignal): Promise<Download> {
  const url = source.includes('://') ? source : `http://${source}`;
  if (!URL.canParse(url)) throw new Failure('invalidParameter', `parse ${JSON.stringify(url)}: invalid URL`);
  const answer = await follow(new URL(url), signal, MOST_REDIRECTS);
  return { archive: answer, download: { url, totalBytes: Number(answer.headers['content-length']) || 0 } };
}

async function follow(url: URL, signal: AbortSignal, redirects: number): Promise<http.IncomingMessage> {
  if (!/^https?:$/.test(url.protocol)) {
    throw new Failure(
      'system',
      `Get ${JSON.stringify(url.href)}: unsupported protocol scheme ${JSON.stringify(url.protocol.slice(0, -1))}`,
    );
  }
  const answer = await get(url, signal).catch((error) => {
    throw connectionError('GET', url.href, error);
  });
  const status = answer.statusCode ?? 0;
  if (status < 300) return answer;
  const { location } = answer.headers;
  if (status < 400 && location && URL.canParse(location, url)) {
    answer.resume();
    if (redirects === 0) throw new Failure('system', `Get ${JSON.stringify(url.href)}: stopped after ${MOST_REDIRECTS} redirects`);
    return follow(new URL(location, url), signal, redirects - 1);
  }
  const words = (await readBody(answer, 4096).catch(() => '')).toString().trim();
  const message = `failed to GET ${url.href} with status ${status} ${answer.statusMessage}: ${words}`;
  throw new Failure(status === 404 ? 'notFound' : 'system', message);
}

function get(url: URL, signal: AbortSignal): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http;
    client.get(url, { signal, agent: false }, resolve).on('error', reject);
  });
}
