import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Bin } from '../engine/bin/types.ts';
import type { Containers } from '../engine/containers/types.ts';
import type { Log } from '../engine/context.ts';
import type { Copies } from '../engine/copy/types.ts';
import type { Events } from '../engine/events/types.ts';
import type { Images } from '../engine/images/types.ts';
import type { Metrics } from '../engine/metrics/types.ts';
import type { Networks } from '../engine/networks/types.ts';
import type { Statistics } from '../engine/statistics/types.ts';
import type { Stops } from '../engine/stops/types.ts';
import type { System } from '../engine/system/types.ts';
import type { Volumes } from '../engine/volumes/types.ts';
import type { Body } from './body.ts';
import type { Query } from './query.ts';
import type { ApiVersion } from './versions.ts';

/** The engine as the API needs it; execs are `containers.execs`. */
export interface Engine {
  containers: Containers;
  images: Images;
  networks: Networks;
  volumes: Volumes;
  events: Events;
  system: System;
  metrics: Metrics;
  statistics: Statistics;
  stops: Stops;
  bin: Bin;
  copies: Copies;
}

/** One request, parsed as far as every route wants it. */
export interface Call {
  engine: Engine;
  log: Log;
  request: IncomingMessage;
  response: ServerResponse;
  /** The connection below: what a hijack takes over. */
  socket: Duplex;
  body: Body;
  version: ApiVersion;
  /** Path parameters, percent-decoded. */
  params: Record<string, string>;
  query: Query;
  /** Aborted when the client goes away before it has its answer. */
  signal: AbortSignal;
  /** Whether the client asked for `Upgrade:`; it then reads a 101. */
  upgrade: boolean;
  /** Whether the connection has left Node's HTTP parser: an upgrade that `Connection:` names as well. */
  detached: boolean;
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';

/**
 * A route: method, path with `:parameters`, what it does. Parses, calls one engine function, writes the answer.
 * `{name}` parameters of images may hold slashes (see router.ts).
 */
export interface Route {
  method: Method;
  path: string;
  handle(call: Call): Promise<void> | void;
}

const LONGEST_CLIENT = 100;

/** What the client calls itself: `Docker-Client/28.2.2 (linux)`; for people, since anybody can say anything. */
export function clientOf(request: IncomingMessage): { client?: string } {
  const client = request.headers['user-agent']?.slice(0, LONGEST_CLIENT);
  return client ? { client } : {};
}

/** Shorthand for the route tables. */
export function route(method: Method, path: string, handle: Route['handle']): Route {
  return { method, path, handle };
}
