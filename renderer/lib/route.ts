import { useSyncExternalStore } from 'react';

export const pages = ['containers', 'images', 'volumes', 'networks', 'hosts', 'bin', 'settings'] as const;
export type Page = (typeof pages)[number];

/** An address of the app: `#/containers/HOST/ID/logs`. */
export interface Route {
  page: Page;
  /** What the detail pane shows. */
  detail?: { host: string; id: string; tab?: string };
}

export function parseRoute(hash: string): Route {
  const [page, host, id, tab] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(safeDecode);
  const known = pages.find((p) => p === page) ?? 'containers';
  if (!host || !id) return { page: known };
  return { page: known, detail: tab ? { host, id, tab } : { host, id } };
}

function safeDecode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function formatRoute({ page, detail }: Route): string {
  const parts: string[] = [page];
  if (detail) parts.push(detail.host, detail.id, ...(detail.tab ? [detail.tab] : []));
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

let hash = '';
let route: Route = { page: 'containers' };
function current(): Route {
  if (window.location.hash !== hash) {
    hash = window.location.hash;
    route = parseRoute(hash);
  }
  return route;
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

export function useRoute(): Route {
  return useSyncExternalStore(subscribe, current);
}

/** Goes to an address. `replace` leaves no step in the history (switching tabs, closing what is gone). */
export function navigate(to: Route, options: { replace?: boolean } = {}): void {
  const next = formatRoute(to);
  if (next === window.location.hash) return;
  if (options.replace) window.location.replace(next);
  else window.location.hash = next;
}
