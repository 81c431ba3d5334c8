import { listLinks, type Netlink } from '../../system/netns/index.ts';
import { Failure } from '../failure.ts';
import { ENDPOINT_OPTION, type Endpoint, OPTION } from './model.ts';

const askedName = ({ settings }: Endpoint): string | undefined => settings.DriverOpts?.[ENDPOINT_OPTION.linkName];

/**
 * The endpoint's link in its container: the name that was asked for, else the network's prefix (`eth`) with the lowest free number.
 *
 * @param inside the container's namespace
 * @param later endpoints whose links are still to come: the names they ask for are theirs
 * @throws Failure when the name that was asked for is taken
 */
export function nextLinkName(inside: Netlink, endpoint: Endpoint, later: Iterable<Endpoint> = []): string {
  const taken = new Set(listLinks(inside).map(({ name }) => name));
  const asked = askedName(endpoint);
  if (asked) {
    if (!taken.has(asked)) return asked;
    throw new Failure('system', `error renaming interface ${JSON.stringify(endpoint.hostLink)} to ${JSON.stringify(asked)}: file exists`);
  }
  for (const other of later) taken.add(askedName(other) ?? '');
  const prefix = endpoint.network.option(OPTION.linkPrefix) || 'eth';
  let number = 0;
  while (taken.has(`${prefix}${number}`)) number += 1;
  return `${prefix}${number}`;
}
