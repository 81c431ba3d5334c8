import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

/** The page's origin. Own scheme, own origin: nothing of file:// or http can reach it. */
export const APP_ORIGIN = 'app://gantry';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.wasm': 'application/wasm',
  '.map': 'application/json',
};

/** style-src needs 'unsafe-inline': xterm.js and the overlay library insert style elements. Scripts come from our files only. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self' engine:",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Answers app://gantry/… from a folder. A path without extension is a page of the app (deep link): index.html. */
export function appScheme(folder: string): (request: Request) => Promise<Response> {
  const root = normalize(folder + sep);
  return async (request) => {
    const url = new URL(request.url);
    if (url.hostname !== 'gantry' || (request.method !== 'GET' && request.method !== 'HEAD')) return new Response(null, { status: 404 });
    let path: string;
    try {
      path = decodeURIComponent(url.pathname);
    } catch {
      return new Response(null, { status: 400 });
    }
    const extension = extname(path);
    const file = normalize(join(root, extension === '' ? 'index.html' : path));
    const type = TYPES[extension === '' ? '.html' : extension];
    if (!file.startsWith(root) || !type) return new Response(null, { status: 404 });
    try {
      const headers = {
        'Content-Type': type,
        'Content-Security-Policy': POLICY,
        'X-Content-Type-Options': 'nosniff',
        'Cross-Origin-Opener-Policy': 'same-origin',
      };
      return new Response(await readFile(file), { headers });
    } catch {
      return new Response('Not found', { status: 404 });
    }
  };
}
