import { randomInt } from 'node:crypto';
import { type Link, type Netlink, setLink } from '../../system/netns/index.ts';
import { run } from '../../system/nft/nft.ts';

/** All of them at once, which takes the kernel about as long as one: it waits for the same things for each. */
export async function deleteLinks(host: Netlink, links: readonly Link[]): Promise<void> {
  const group = randomInt(2 ** 30, 2 ** 31);
  for (const link of links) setLink(host, link.index, { group });
  if (links.length > 0) await run('ip', ['link', 'delete', 'group', String(group)]);
}

/** By a process: the kernel waits tens of milliseconds for a link to go, and the main thread must not. Idempotent. */
export async function deleteLink(name: string): Promise<void> {
  await run('ip', ['link', 'delete', 'dev', name]).catch((error: unknown) => {
    if (!/Cannot find device/.test(String(error))) throw error;
  });
}
