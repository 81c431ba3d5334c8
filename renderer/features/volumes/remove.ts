import { keys, queryClient } from '../../lib/client.ts';
import { ask } from '../../lib/confirm.ts';
import { engineSend } from '../../lib/engine.ts';
import { explain } from '../../lib/explain.ts';
import { formatSize } from '../../lib/format.ts';
import { tr } from '../../lib/i18n.ts';
import { volumeSizesQuery } from '../../lib/queries.ts';
import { navigate } from '../../lib/route.ts';
import { setFilter } from '../../lib/screen.ts';
import { type BinDays, binDaysOf, throwAway } from '../../lib/throw-away.ts';
import { toast } from '../../lib/toast.ts';
import { leavingRows } from '../list/index.ts';
import { bytesOf, type VolumeRow } from './row.ts';

/** A question does not wait longer for sizes. */
const MEASURE_MS = 2000;

export const { useLeaving, setLeaving } = leavingRows();

/** Shows the containers that have a volume. */
export function showUsers(row: VolumeRow): void {
  setFilter('containers', `volume:${row.name}`);
  navigate({ page: 'containers' });
}

/**
 * Asks, naming what dies, then deletes: into the bin where the engine has one, with an undo, else for good. Volumes that containers have
 * stay: no engine deletes them.
 *
 * @returns whether all are gone
 */
export async function removeVolumes(rows: VolumeRow[]): Promise<boolean> {
  const unused = rows.filter(({ users }) => users.length === 0);
  if (unused.length === 0) return held(rows);
  const [free, days] = await Promise.all([measured(unused), binDaysOf(unused)]);
  const [first] = free as [VolumeRow];
  const one = free.length === 1;
  const used = rows.filter(({ users }) => users.length > 0);
  const answer = await ask({
    title: one ? tr('volumeRemove.titleOne', { name: first.title }) : tr('volumeRemove.titleMany', { count: free.length }),
    text: [
      whatDies(free, days),
      ...(used.length > 0 ? [tr('volumeRemove.stay', { names: used.map(({ title }) => title).join(', ') })] : []),
    ].join('\n\n'),
    items: one ? [] : free.map(({ title, size }) => (size === undefined ? title : `${title} · ${formatSize(size)}`)),
    verb: one ? tr('action.delete') : tr('volumeRemove.verb', { count: free.length }),
    danger: true,
    ...typedFor(free, days),
  });
  if (!answer.yes) return false;
  const all = await throwAway({
    things: free,
    kind: 'volume',
    days,
    request: ({ name }) => ({ Volume: name }),
    forGood: ({ host, name }) => engineSend(host.id, 'DELETE', `/volumes/${encodeURIComponent(name)}`),
    perform,
  });
  return all && used.length === 0;
}

/** What the list shows may be a minute old, and nobody should be told that a full volume is empty: sizes of now, or none. */
async function measured(rows: VolumeRow[]): Promise<VolumeRow[]> {
  const sizes = new Map(
    await Promise.all(
      [...new Set(rows.map(({ host }) => host))].map(async (host) => {
        const names = rows.filter((row) => row.host === host).map(({ name }) => name);
        const query = { ...volumeSizesQuery(host, names), staleTime: 0 };
        const late = new Promise<undefined>((resolve) => setTimeout(resolve, MEASURE_MS));
        return [host, await Promise.race([queryClient.fetchQuery(query).catch(() => undefined), late])] as const;
      }),
    ),
  );
  return rows.map((row) => ({ ...row, size: sizes.get(row.host)?.get(row.name) }));
}

async function held(rows: VolumeRow[]): Promise<false> {
  const [first] = rows;
  if (!first) return false;
  const users = [...new Set(rows.flatMap((row) => row.users.map(({ name }) => name)))];
  const answer = await ask({
    title: rows.length === 1 ? tr('volumeRemove.heldOne', { name: first.title }) : tr('volumeRemove.held', { count: rows.length }),
    text: tr('volumeRemove.heldText', { names: users.join(', ') }),
    verb: tr('volumeRemove.showUsers'),
  });
  if (answer.yes) showUsers(first);
  return false;
}

function whatDies(rows: VolumeRow[], days: BinDays): string {
  const known = rows.every(({ size }) => size !== undefined);
  const data = known ? tr('volumeRemove.data', { size: formatSize(bytesOf(rows)) }) : tr('volumeRemove.dataUnknown');
  const elsewhere = rows.some(({ kind }) => kind === 'folder' || kind === 'nfs') ? ` ${tr('volumeRemove.elsewhere')}` : '';
  const all = [...days.values()];
  const [keep] = all;
  const end =
    keep === undefined || all.some((other) => other !== keep)
      ? tr('volumeRemove.forGood')
      : keep === 0
        ? tr('remove.intoBin')
        : tr('remove.intoBinDays', { count: keep });
  return `${data}${elsewhere} ${end}`;
}

/** Where it can't be undone, yes needs more than a click; a production host asks for its own name anyway. */
function typedFor(rows: VolumeRow[], days: BinDays): { typed?: { label: string; text: string } } {
  const lost = rows.filter(({ host, size, anonymous }) => days.get(host.id) === undefined && size !== 0 && !anonymous && !host.production);
  const [first] = lost;
  if (!first) return {};
  const text = rows.length === 1 ? first.name : String(rows.length);
  return { typed: { text, label: tr(rows.length === 1 ? 'volumeRemove.typeName' : 'volumeRemove.typeCount', { text }) } };
}

async function perform(rows: VolumeRow[], work: (row: VolumeRow) => Promise<void>): Promise<boolean> {
  const done = await Promise.all(
    rows.map(async (row) => {
      setLeaving(row.key, true);
      try {
        await work(row);
        return true;
      } catch (error) {
        const { message, remedy } = explain(error);
        toast({
          tone: 'error',
          title: tr('failed.remove', { name: row.title }),
          text: remedy ? `${message}\n${remedy}` : message,
          detail: message,
        });
        return false;
      } finally {
        setLeaving(row.key, false);
      }
    }),
  );
  const hosts = new Set(rows.map(({ host }) => host.id));
  await Promise.all([...hosts].map((host) => queryClient.invalidateQueries({ queryKey: keys.volumes(host) })));
  return done.every(Boolean);
}
