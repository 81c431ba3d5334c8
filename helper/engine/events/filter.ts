import type { EventMessage } from '../../contract/docker/index.ts';
import type { Filters } from './types.ts';

/** Actions that carry a suffix (`exec_create: sh`), which a filter on the bare word is to match. */
const PREFIXED = ['health_status', 'exec_create', 'exec_start'];
/** Filters that name an object: an id or its prefix, or the name or its prefix, as dockerd matches them. */
const OBJECTS = ['daemon', 'container', 'plugin', 'volume', 'network', 'node', 'service', 'secret', 'config'];

/** Whether an event passes the filters of `GET /events`. Unknown filters are ignored, as dockerd does. */
export function matches(event: EventMessage, filters: Filters): boolean {
  if (filters.size === 0) return true;
  const attributes = event.Actor.Attributes;
  return (
    matchesAction(event.Action, filters) &&
    exact(filters, 'type', event.Type) &&
    exact(filters, 'scope', event.scope) &&
    OBJECTS.every((object) => prefix(filters, object, event.Actor.ID) || prefix(filters, object, attributes.name ?? '')) &&
    matchesImage(event, filters) &&
    matchesLabels(attributes, filters.get('label') ?? [])
  );
}

function matchesAction(action: string, filters: Filters): boolean {
  const wanted = filters.get('event') ?? [];
  return wanted.some((word) => PREFIXED.includes(word)) ? prefix(filters, 'event', action) : exact(filters, 'event', action);
}

/** Image events by id or name; container events by the image they run. With or without the tag. */
function matchesImage(event: EventMessage, filters: Filters): boolean {
  const name = event.Actor.Attributes[event.Type === 'image' ? 'name' : 'image'] ?? '';
  return [event.Actor.ID, name, repositoryOf(event.Actor.ID), repositoryOf(name)].some((text) => exact(filters, 'image', text));
}

function matchesLabels(attributes: Record<string, string>, labels: readonly string[]): boolean {
  return labels.every((label) => {
    const at = label.indexOf('=');
    const key = at < 0 ? label : label.slice(0, at);
    return key in attributes && (at < 0 || attributes[key] === label.slice(at + 1));
  });
}

function exact(filters: Filters, key: string, text: string): boolean {
  const wanted = filters.get(key);
  return !wanted?.length || wanted.includes(text);
}

function prefix(filters: Filters, key: string, text: string): boolean {
  const wanted = filters.get(key);
  return !wanted?.length || wanted.some((start) => text.startsWith(start));
}

/** `docker.io/library/alpine:3@sha256:…` → `alpine` */
function repositoryOf(reference: string): string {
  const bare = reference.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  return bare.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
}
