/** The parts of resolv.conf(5) that containers get. */
export interface ResolvConf {
  nameservers: string[];
  search: string[];
  options: string[];
}

export function parseResolvConf(text: string): ResolvConf {
  const conf: ResolvConf = { nameservers: [], search: [], options: [] };
  for (const raw of text.split('\n')) {
    const [keyword, ...values] = raw
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && values[0]) conf.nameservers.push(values[0]);
    // The last of `search` and `domain` wins.
    if (keyword === 'search' || keyword === 'domain') conf.search = values;
    if (keyword === 'options') conf.options.push(...values);
  }
  return conf;
}

/** What a container can't reach: the host's loopback is not its own; zoned link-local addresses name a link it has not. */
const unreachable = (server: string): boolean => /^127\./.test(server) || server === '::1' || server.includes('%');

export const PUBLIC_SERVERS = ['8.8.8.8', '8.8.4.4'];

/**
 * resolv.conf of a container.
 *
 * @param host the host's own settings
 * @param wish what the container's and then the engine's configuration say; empty lists: the host's
 * @param own  the address of our resolver in the container (user-defined networks), which knows the names of containers
 */
export function containerResolvConf(host: ResolvConf, wish: ResolvConf, own?: string): string {
  let servers = wish.nameservers.length > 0 ? wish.nameservers : host.nameservers.filter((server) => !unreachable(server));
  if (servers.length === 0) servers = PUBLIC_SERVERS;
  if (own) servers = [own];
  // `--dns-search .` means none.
  const search = (wish.search.length > 0 ? wish.search : host.search).filter((domain) => domain !== '.');
  const options = [...(wish.options.length > 0 ? wish.options : host.options)];
  // Names of containers have no dot: they are to be asked for as they are, before any search domain.
  if (own && !options.some((option) => option.startsWith('ndots:'))) options.push('ndots:0');
  return [
    '# Written by Gantry for this container; made again at each start.',
    ...servers.map((server) => `nameserver ${server}`),
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
    '',
  ].join('\n');
}
