import { useTranslation } from 'react-i18next';
import type { HostColour } from '../../../electron/ipc/contract.ts';
import { hostColours } from './host-state.ts';

export function HostColourField({ colour, onChange }: { colour: HostColour; onChange: (colour: HostColour) => void }) {
  const { t } = useTranslation();
  return (
    <div className="field">
      <span className="label" id="host-colour">
        {t('hosts.colour')}
      </span>
      <div className="colours" role="radiogroup" aria-labelledby="host-colour">
        {hostColours.map((c) => (
          // biome-ignore lint/a11y/useSemanticElements: a colour is not an <input>'s text
          <button
            key={c}
            type="button"
            role="radio"
            aria-checked={c === colour}
            aria-label={t(`colour.${c}`)}
            data-tip={t(`colour.${c}`)}
            style={{ background: `var(--host-${c})` }}
            onClick={() => onChange(c)}
          />
        ))}
      </div>
    </div>
  );
}
