import type { NetworkCreateRequest } from '../../../helper/contract/docker/index.ts';
import { keys, queryClient } from '../../lib/client.ts';
import { ask } from '../../lib/confirm.ts';
import { engineSend } from '../../lib/engine.ts';
import { explain } from '../../lib/explain.ts';
import { tr } from '../../lib/i18n.ts';
import { navigate } from '../../lib/route.ts';
import { setFilter } from '../../lib/screen.ts';
import { toast } from '../../lib/toast.ts';
import { offerUndo } from '../../lib/undo.ts';
import { leavingRows } from '../list/index.ts';
import type { NetworkRow } from './row.ts';

export const { useLeaving, setLeaving } = leavingRows();

/** Shows the containers that are on a network. */
export function showUsers(row: NetworkRow): void {
  setFilter('containers', `network:${row.name}`);
  navigate({ page: 'containers' });
}

const isHeld = ({ users }: NetworkRow): boolean => users.some(({ running }) => running);
const namesOf = (rows: { name: string }[]): string => rows.map(({ name }) => name).join(', ');

/**
 * Deletes networks after a question. The engine's own, and those that running containers are on, are not: that is said, and what to do.
 *
 * @returns whether all are gone
 */
export async function removeNetworks(rows: NetworkRow[]): Promise<boolean> {
  const free = rows.filter((row) => !row.predefined && !isHeld(row));
  const [first] = free;
  if (!first) return refused(rows);
  const one = free.length === 1;
  const predefined = rows.filter((row) => row.predefined);
  const held = rows.filter((row) => !row.predefined && isHeld(row));
  const stopped = [...new Set(free.flatMap(({ users }) => users.map(({ name }) => name)))];
  const answer = await ask({
    title: one ? tr('networkRemove.titleOne', { name: first.name }) : tr('networkRemove.titleMany', { count: free.length }),
    text: [
      stopped.length > 0 ? tr('networkRemove.stopped', { names: stopped.join(', ') }) : tr('networkRemove.text', { count: free.length }),
      ...(held.length > 0 ? [tr('networkRemove.stay', { names: namesOf(held) })] : []),
      ...(predefined.length > 0 ? [tr('networkRemove.stayPredefined', { names: namesOf(predefined) })] : []),
    ].join('\n\n'),
    items: one ? [] : free.map(({ name, subnets }) => [name, ...subnets].join(' · ')),
    verb: one ? tr('action.delete') : tr('networkRemove.verb', { count: free.length }),
    danger: true,
  });
  if (!answer.yes) return false;
  const gone = await perform(free);
  // What a stopped container was on is more than its settings: the new one would not be its.
  const lonely = gone.filter(({ users }) => users.length === 0);
  const [alone] = lonely;
  if (alone) {
    const title =
      lonely.length === 1 ? tr('networkRemove.goneOne', { name: alone.name }) : tr('networkRemove.gone', { count: lonely.length });
    offerUndo(title, () => void Promise.all(lonely.map(makeAgain)));
  }
  return gone.length === rows.length;
}

async function refused(rows: NetworkRow[]): Promise<false> {
  const held = rows.filter((row) => !row.predefined);
  const [first] = rows;
  const [shown] = held;
  if (!first) return false;
  if (!shown) {
    await ask({
      title: rows.length === 1 ? tr('networkRemove.predefinedOne', { name: first.name }) : tr('networkRemove.predefined'),
      text: tr('networkRemove.predefinedText'),
      verb: tr('action.close'),
      plain: true,
    });
    return false;
  }
  const users = [...new Set(held.flatMap((row) => row.users.filter(({ running }) => running).map(({ name }) => name)))];
  const answer = await ask({
    title: held.length === 1 ? tr('networkRemove.heldOne', { name: shown.name }) : tr('networkRemove.held', { count: held.length }),
    text: tr('networkRemove.heldText', { names: users.join(', ') }),
    verb: tr('networkRemove.showUsers'),
  });
  if (answer.yes) showUsers(shown);
  return false;
}

/** @returns those that are gone */
async function perform(rows: NetworkRow[]): Promise<NetworkRow[]> {
  const done = await Promise.all(
    rows.map(async (row) => {
      setLeaving(row.key, true);
      try {
        await engineSend(row.host.id, 'DELETE', `/networks/${row.id}`);
        return [row];
      } catch (error) {
        tell('failed.remove', row.name, error);
        return [];
      } finally {
        setLeaving(row.key, false);
      }
    }),
  );
  await refreshed(rows);
  return done.flat();
}

/** With the same settings, addresses included; its id is another one. */
async function makeAgain(row: NetworkRow): Promise<void> {
  const { Name, Driver, EnableIPv6, Internal, Attachable, IPAM, Options, Labels } = row.network;
  const request: NetworkCreateRequest = { Name, Driver, EnableIPv6, Internal, Attachable, IPAM, Options, Labels };
  try {
    await engineSend(row.host.id, 'POST', '/networks/create', request);
  } catch (error) {
    tell('networkRemove.undoFailed', row.name, error);
  }
  await refreshed([row]);
}

async function refreshed(rows: NetworkRow[]): Promise<void> {
  const hosts = new Set(rows.map(({ host }) => host.id));
  await Promise.all([...hosts].map((host) => queryClient.invalidateQueries({ queryKey: keys.networks(host) })));
}

function tell(title: string, name: string, error: unknown): void {
  const { message, remedy } = explain(error);
  toast({ tone: 'error', title: tr(title, { name }), text: remedy ? `${message}\n${remedy}` : message, detail: message });
}
