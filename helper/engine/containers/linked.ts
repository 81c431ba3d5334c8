import type { HostConfig } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import type { Container } from './container.ts';

/**
 * Links of the default bridge (`--link`): a container knows another by an alias, in its hosts file and its environment.
 * HostConfig.Links holds `ID:alias`, so that renames break nothing. (Links in user-defined networks are names for the resolver only,
 * and belong to the endpoint.)
 */
export interface Link {
  target: Container;
  alias: string;
}

/** Where containers are looked up. */
interface Linkable {
  all(): Iterable<Container>;
  /** By full id or by name. */
  exact(reference: string): Container | undefined;
}

/** `name:alias`; `name` alone is its own alias; `/name:/parent/alias` is how inspect shows one. */
export function parseLink(text: string): { name: string; alias: string } {
  const [name = '', alias] = text.split(':');
  if (name === '') throw new Failure('invalidParameter', `bad format for links: ${text}`);
  return { name, alias: (alias || name).split('/').pop() ?? name };
}

export const usesLinks = (host: HostConfig): boolean => ['', 'default', 'bridge'].includes(host.NetworkMode ?? '');

/** Those whose containers are still there. */
export function linksOf(store: Linkable, container: Container): Link[] {
  if (!usesLinks(container.hostConfig)) return [];
  return (container.hostConfig.Links ?? []).flatMap((text) => {
    const { name, alias } = parseLink(text);
    const target = store.exact(name);
    return target ? [{ target, alias }] : [];
  });
}

/** `/parent/alias` of all that link to a container. */
export function linkNames(store: Linkable): ReadonlyMap<Container, string[]> {
  const names = new Map<Container, string[]>();
  for (const parent of store.all()) {
    if (!parent.hostConfig.Links?.length) continue;
    for (const { target, alias } of linksOf(store, parent)) {
      const own = names.get(target) ?? [];
      names.set(target, [...own, `/${parent.name}/${alias}`]);
    }
  }
  return names;
}

/** What `parent/alias` means. */
export function findLinked(store: Linkable, reference: string): Link | undefined {
  const [parentName = '', alias, ...more] = reference.replace(/^\//, '').split('/');
  const parent = alias && more.length === 0 ? store.exact(parentName) : undefined;
  return parent && linksOf(store, parent).find((link) => link.alias === alias);
}
