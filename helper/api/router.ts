import type { IncomingMessage } from 'node:http';
import createFindMyWay from 'find-my-way';
import type { Method, Route } from './call.ts';

export interface Match {
  route: Route;
  params: Record<string, string>;
}

/** Names of images hold slashes; what may follow them in a path. */
const SLASHED = /^\/(images|distribution|plugins)\/(.+)\/(json|history|get|tag|push|enable|disable|upgrade|set)$/;
/** No such name can be, but they are told so. */
const NAMED = /^\/(volumes|networks)\/([^/]+\/.+)$/;
/** The same below our extensions. */
const EXTENDED = /^\/gantry\/v1\/images\/(.+)\/layers(\/[^/]+\/files)?$/;
/** Links have names like `parent/alias`. */
const LINK = /^\/(containers)\/([^/]+\/[^/]+)(?:\/(json|top|stats|changes|start|stop|restart|kill|wait|logs|exec))?$/;

/** Finds the route of a path that has lost its `/vX.Y`. Another method on a known path is as unknown as the path, as in dockerd. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Match | undefined {
  const router = createFindMyWay({ maxParamLength: 4096, caseSensitive: true });
  for (const route of routes) router.on(route.method, route.path, () => route);
  return (method, path) => {
    const found = router.find(method as Method, foldName(method, path));
    if (!found) return undefined;
    const route = found.handler({} as IncomingMessage, undefined as never, {}, undefined, {}) as unknown as Route;
    return { route, params: found.params as Record<string, string> };
  };
}

/** `/images/registry:5000/a/b/json` → `/images/registry:5000%2Fa%2Fb/json`, so that a name is one segment. */
function foldName(method: string, path: string): string {
  const match = SLASHED.exec(path) ?? (method === 'DELETE' || path.split('/').length === 5 ? LINK.exec(path) : null);
  if (match) return `/${match[1]}/${fold(match[2] ?? '')}${match[3] ? `/${match[3]}` : ''}`;
  const extended = EXTENDED.exec(path);
  if (extended) return `/gantry/v1/images/${fold(extended[1] ?? '')}/layers${extended[2] ?? ''}`;
  const named = NAMED.exec(path);
  if (named && (method === 'GET' || method === 'DELETE' || method === 'PUT')) return `/${named[1]}/${fold(named[2] ?? '')}`;
  const removed = method === 'DELETE' ? /^\/(images|plugins)\/(.*)$/.exec(path) : null;
  if (removed) return `/${removed[1]}/${fold(removed[2] ?? '')}`;
  return path;
}

function fold(name: string): string {
  return name.replaceAll('/', '%2F');
}
