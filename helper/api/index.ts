/** The Docker Engine API over HTTP: what the rest of the helper may use of it. */
export type { Listener } from './listen.ts';
export { serveMetrics } from './metrics-server.ts';
export { FEATURES } from './routes/gantry.ts';
export { type Api, startApi } from './server.ts';
export { NEWEST_TEXT, OLDEST_TEXT } from './versions.ts';
