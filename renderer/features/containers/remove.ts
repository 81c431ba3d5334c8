import { ask } from '../../lib/confirm.ts';
import { engineSend } from '../../lib/engine.ts';
import { tr } from '../../lib/i18n.ts';
import { type BinDays, binDaysOf, throwAway } from '../../lib/throw-away.ts';
import { perform, type Target } from './actions.ts';

/** Asks, then removes: into the bin where the engine has one, with an undo; else for good. Says what dies with them. */
export async function removeContainers(targets: Target[]): Promise<boolean> {
  const [first] = targets;
  if (!first) return false;
  const days = await binDaysOf(targets);
  const one = targets.length === 1;
  const running = targets.filter((target) => target.running).length;
  const answer = await ask({
    title: one ? tr('remove.titleOne', { name: first.name }) : tr('remove.titleMany', { count: targets.length }),
    text: `${running > 0 ? `${one ? tr('remove.runningOne') : tr('remove.running', { count: running })} ` : ''}${whatDies(days)}`,
    items: one ? [] : targets.map((target) => target.name),
    verb: one ? tr('action.delete') : tr('remove.verb', { count: targets.length }),
    danger: true,
    option: { label: tr('remove.volumes'), initial: false },
  });
  if (!answer.yes) return false;
  return throwAway({
    things: targets,
    kind: 'container',
    days,
    request: ({ id }) => ({ Container: id, Force: true, Volumes: answer.option }),
    forGood: ({ host, id }) => engineSend(host.id, 'DELETE', `/containers/${id}?force=1${answer.option ? '&v=1' : ''}`),
    perform: (some, work) => perform('remove', some, work),
  });
}

function whatDies(all: BinDays): string {
  const days = [...all.values()];
  const [keep] = days;
  if (keep === undefined || days.some((other) => other !== keep)) return tr('remove.text');
  return keep === 0 ? tr('remove.intoBin') : tr('remove.intoBinDays', { count: keep });
}
