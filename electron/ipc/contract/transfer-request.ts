import type { StartTransfer, TransferPlan, TransferSource } from './transfer.ts';

/** What the user has chosen besides the target. */
export type TransferChoices = Pick<StartTransfer, 'move' | 'start' | 'pause' | 'remove'> & { name?: string | undefined };

/** What is asked for by these choices, given what travels: the window says it of one thing, the main process of each of several. */
export function requestOf(source: TransferSource, to: string, plan: TransferPlan, choices: TransferChoices): StartTransfer {
  const name = choices.name?.trim() ?? '';
  const running = plan.container?.running === true;
  return {
    source,
    to,
    ...(source.kind !== 'image' && name !== '' && name !== source.name ? { name } : {}),
    move: choices.move,
    // A move ends where it began: running, if it ran.
    start: source.kind === 'container' && (choices.move ? running : choices.start),
    pause: choices.pause,
    useVolumes:
      source.kind === 'container' ? plan.volumes.filter(({ there, anonymous }) => there && !anonymous).map((volume) => volume.name) : [],
    remove: choices.remove,
  };
}
