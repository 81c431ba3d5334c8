export type { Engine } from './call.ts';
export type { Listener } from './listen.ts';
export { type Api, type ApiOptions, startApi } from './server.ts';
export { NEWEST_TEXT, OLDEST_TEXT } from './versions.ts';
