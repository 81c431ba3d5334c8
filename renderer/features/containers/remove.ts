import type { BinEntry } from '../../../helper/contract/gantry.ts';
import { binDays, putIntoBin, restoreFromBin } from '../../lib/bin.ts';
import { ask } from '../../lib/confirm.ts';
import { EngineError, engineSend } from '../../lib/engine.ts';
import { explain } from '../../lib/explain.ts';
import { tr } from '../../lib/i18n.ts';
import { navigate } from '../../lib/route.ts';
import { toast } from '../../lib/toast.ts';
import { offerUndo } from '../../lib/undo.ts';
import { perform, type Target } from './actions.ts';

interface Thrown {
  target: Target;
  entry: BinEntry;
}

/** Asks, then removes: into the bin where the engine has one, with an undo; else for good. Says what dies with them. */
export async function removeContainers(targets: Target[]): Promise<boolean> {
  const [first] = targets;
  if (!first) return false;
  const days = new Map(
    await Promise.all([...new Set(targets.map(({ host }) => host.id))].map(async (host) => [host, await binDays(host)] as const)),
  );
  const one = targets.length === 1;
  const running = targets.filter((target) => target.running).length;
  const answer = await ask({
    title: one ? tr('remove.titleOne', { name: first.name }) : tr('remove.titleMany', { count: targets.length }),
    text: `${running > 0 ? `${one ? tr('remove.runningOne') : tr('remove.running', { count: running })} ` : ''}${whatDies([...days.values()])}`,
    items: one ? [] : targets.map((target) => target.name),
    verb: one ? tr('action.delete') : tr('remove.verb', { count: targets.length }),
    danger: true,
    option: { label: tr('remove.volumes'), initial: false },
  });
  if (!answer.yes) return false;
  const forGood = ({ host, id }: Target) => engineSend(host.id, 'DELETE', `/containers/${id}?force=1${answer.option ? '&v=1' : ''}`);
  const thrown: Thrown[] = [];
  const unfit: { target: Target; why: string }[] = [];
  const all = await perform('remove', targets, async (target) => {
    if (days.get(target.host.id) === undefined) return forGood(target);
    try {
      thrown.push({ target, entry: await putIntoBin(target.host.id, { Container: target.id, Force: true, Volumes: answer.option }) });
    } catch (error) {
      if (!(error instanceof EngineError) || error.status !== 409) throw error;
      unfit.push({ target, why: error.message });
    }
  });
  if (thrown.length > 0) {
    const title =
      thrown.length === 1 ? tr('bin.deletedOne', { name: thrown[0]?.target.name }) : tr('bin.deleted', { count: thrown.length });
    offerUndo(title, () => void putBack(thrown));
  }
  if (unfit.length === 0) return all;
  const final = await ask({
    title: unfit.length === 1 ? tr('bin.unfitOne', { name: unfit[0]?.target.name }) : tr('bin.unfit', { count: unfit.length }),
    text: unfit.map(({ why }) => why).join('\n'),
    verb: tr('bin.deleteForGood'),
    danger: true,
  });
  if (!final.yes) return false;
  const rest = unfit.map(({ target }) => target);
  return (await perform('remove', rest, forGood)) && all;
}

function whatDies(days: (number | undefined)[]): string {
  const [keep] = days;
  if (keep === undefined || days.some((other) => other !== keep)) return tr('remove.text');
  return keep === 0 ? tr('remove.intoBin') : tr('remove.intoBinDays', { count: keep });
}

async function putBack(thrown: Thrown[]): Promise<void> {
  for (const { target, entry } of thrown) {
    try {
      await restoreFromBin(target.host.id, entry.Id);
    } catch (error) {
      const { message } = explain(error);
      toast({
        tone: 'error',
        title: tr('bin.restoreFailed', { name: target.name }),
        text: message,
        detail: message,
        action: { label: tr('bin.open'), run: () => navigate({ page: 'bin' }) },
      });
    }
  }
}
