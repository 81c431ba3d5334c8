import { useTranslation } from 'react-i18next';
import { Field, TextField } from '../../ui/Field.tsx';
import { Select } from '../../ui/Select.tsx';
import type { RunSpec } from './command.ts';
import type { RunForm } from './useRunForm.tsx';

/** When it starts again, and what it may use. */
export function LimitFields({ form: { spec, set, error } }: { form: RunForm }) {
  const { t } = useTranslation();
  return (
    <div className="form-row">
      <Field label={t('run.restart')} error={error('restart')}>
        {({ id }) => (
          <Select
            id={id}
            label={t('run.restart')}
            testId="run-restart"
            value={spec.restart}
            onChange={(value) => set({ restart: value as RunSpec['restart'] })}
            choices={(['no', 'on-failure', 'unless-stopped', 'always'] as const).map((value) => ({
              value,
              label: t(`restart.${value}`),
            }))}
          />
        )}
      </Field>
      <TextField
        label={t('run.memory')}
        error={error('memory')}
        mono
        data-testid="run-memory"
        placeholder={t('run.unlimited')}
        value={spec.memory}
        onChange={(value) =>
          set({
            memory: value
              .trim()
              .replace(/\s*([kmgKMG])i?[bB]$/, '$1')
              .toLowerCase(),
          })
        }
      />
      <TextField
        label={t('run.cpus')}
        error={error('cpus')}
        mono
        inputMode="decimal"
        data-testid="run-cpus"
        placeholder={t('run.unlimited')}
        value={spec.cpus}
        onChange={(value) => set({ cpus: value.trim() })}
      />
    </div>
  );
}
