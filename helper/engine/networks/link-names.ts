import type { Link } from '../../system/netns/index.ts';
import { ENDPOINT_OPTION, type Endpoint, type LinkNumbers, OPTION } from './model.ts';

/** The endpoint's link in its container: the one that was asked for, else the network's prefix (`eth`) with the next number. */
export function nextLinkName(numbers: LinkNumbers, { settings, network }: Endpoint): string {
  const asked = settings.DriverOpts?.[ENDPOINT_OPTION.linkName];
  if (asked) return asked;
  const prefix = network.option(OPTION.linkPrefix) || 'eth';
  const number = numbers.get(prefix) ?? 0;
  numbers.set(prefix, number + 1);
  return `${prefix}${number}`;
}

/** For a container that runs already: beyond the links that it has. */
export function linkNumbers(links: readonly Pick<Link, 'name'>[]): LinkNumbers {
  const numbers: LinkNumbers = new Map();
  for (const { name } of links) {
    const [, prefix, number] = /^(.*?)(\d+)$/.exec(name) ?? [];
    if (prefix !== undefined) numbers.set(prefix, Math.max(numbers.get(prefix) ?? 0, Number(number) + 1));
  }
  return numbers;
}
