import { useTranslation } from 'react-i18next';
import { Checkbox } from '../../ui/Checkbox.tsx';
import type { Choices, Planned } from './transfers.ts';

interface OptionsProps {
  /** The source is marked as production. */
  isProduction: boolean;
  /** The source is marked as read-only: nothing there is paused. */
  isReadOnly: boolean;
  parts: Planned[];
  choices: Choices;
  onChange: (some: Partial<Choices>) => void;
}

/** What can be chosen besides where to. */
export function Options({ isProduction, isReadOnly, parts, choices, onChange }: OptionsProps) {
  const { t } = useTranslation();
  const users = parts.flatMap(({ source, plan }) => {
    const all = [...(plan.container?.running ? [source.name] : []), ...plan.volumes.flatMap(({ usedBy }) => usedBy)];
    // What is moved is stopped; others that use its volumes are not.
    return choices.move ? all.filter((name) => source.kind !== 'container' || name !== source.name) : all;
  });
  const read = [...new Set(users)];
  const isContainer = parts[0]?.source.kind === 'container';
  return (
    <div className="transfer-options">
      {read.length > 0 && !isReadOnly && (
        <Checkbox
          checked={choices.pause}
          onChange={(pause) => onChange({ pause })}
          label={t('transfer.pause', { names: read.join(', ') })}
        />
      )}
      {isContainer && !choices.move && (
        <Checkbox checked={choices.start} onChange={(start) => onChange({ start })} label={t('transfer.start')} />
      )}
      {isContainer && choices.move && !isProduction && (
        <Checkbox checked={choices.remove} onChange={(remove) => onChange({ remove })} label={t('transfer.remove')} />
      )}
    </div>
  );
}
