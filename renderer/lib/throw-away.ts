import type { BinEntry, BinRequest } from '../../helper/contract/gantry.ts';
import { binDays, putIntoBin, restoreFromBin } from './bin.ts';
import { ask } from './confirm.ts';
import { EngineError } from './engine.ts';
import { explain } from './explain.ts';
import { tr } from './i18n.ts';
import { navigate } from './route.ts';
import { toast } from './toast.ts';
import { offerUndo } from './undo.ts';

interface Thing {
  host: { id: string };
  name: string;
}

/** Host → days that things stay in its bin (0: no limit); undefined where it has none. */
export type BinDays = ReadonlyMap<string, number | undefined>;

export async function binDaysOf(things: Thing[]): Promise<BinDays> {
  const hosts = [...new Set(things.map(({ host }) => host.id))];
  return new Map(await Promise.all(hosts.map(async (host) => [host, await binDays(host)] as const)));
}

interface Removal<T extends Thing> {
  things: T[];
  kind: BinEntry['Kind'];
  days: BinDays;
  request: (thing: T) => BinRequest;
  forGood: (thing: T) => Promise<void>;
  /** Does it to each and tells each failure. @returns whether all went well */
  perform: (things: T[], work: (thing: T) => Promise<void>) => Promise<boolean>;
}

/**
 * Removes things that the user gave up: into the bin where their engine has one, with an undo, else for good. What can't go into the
 * bin is asked about once more.
 *
 * @returns whether all are gone
 */
export async function throwAway<T extends Thing>({ things, kind, days, request, forGood, perform }: Removal<T>): Promise<boolean> {
  const thrown: { thing: T; entry: BinEntry }[] = [];
  const unfit: { thing: T; why: string }[] = [];
  const all = await perform(things, async (thing) => {
    if (days.get(thing.host.id) === undefined) return forGood(thing);
    try {
      thrown.push({ thing, entry: await putIntoBin(thing.host.id, request(thing)) });
    } catch (error) {
      if (!(error instanceof EngineError) || error.status !== 409) throw error;
      unfit.push({ thing, why: error.message });
    }
  });
  const [first] = thrown;
  if (first) {
    const title =
      thrown.length === 1 ? tr('bin.deletedOne', { name: first.thing.name }) : tr(`bin.deleted.${kind}`, { count: thrown.length });
    offerUndo(title, () => void putBack(thrown));
  }
  if (unfit.length === 0) return all;
  const final = await ask({
    title: unfit.length === 1 ? tr('bin.unfitOne', { name: unfit[0]?.thing.name }) : tr(`bin.unfit.${kind}`, { count: unfit.length }),
    text: unfit.map(({ why }) => why).join('\n'),
    verb: tr('bin.deleteForGood'),
    danger: true,
  });
  if (!final.yes) return false;
  const rest = unfit.map(({ thing }) => thing);
  return (await perform(rest, forGood)) && all;
}

async function putBack(thrown: { thing: Thing; entry: BinEntry }[]): Promise<void> {
  for (const { thing, entry } of thrown) {
    try {
      await restoreFromBin(thing.host.id, entry.Id);
    } catch (error) {
      const { message } = explain(error);
      toast({
        tone: 'error',
        title: tr('bin.restoreFailed', { name: thing.name }),
        text: message,
        detail: message,
        action: { label: tr('bin.open'), run: () => navigate({ page: 'bin' }) },
      });
    }
  }
}
