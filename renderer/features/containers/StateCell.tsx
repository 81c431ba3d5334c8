import { useTranslation } from 'react-i18next';
import { tr } from '../../lib/i18n.ts';
import { StateBadge } from '../../ui/StateBadge.tsx';
import { usePending } from './actions.ts';
import type { StateView } from './state.ts';

/** A state in words: `exited 137`. */
export function stateText(state: StateView): string {
  const word = tr(`state.${state.word}`);
  return state.word === 'exited' && state.exitCode !== undefined ? `${word} ${state.exitCode}` : word;
}

export function StateCell({ id, state, title }: { id: string; state: StateView; title?: string }) {
  const { t } = useTranslation();
  const verb = usePending((s) => s.pending.get(id));
  if (verb) return <StateBadge tone="working" text={t(`doing.${verb}`)} busy />;
  return <StateBadge tone={state.tone} text={stateText(state)} {...(title ? { title } : {})} />;
}
