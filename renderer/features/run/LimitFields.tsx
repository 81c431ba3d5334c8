import { useTranslation } from 'react-i18next';
import { Field, TextInput } from '../../ui/Field.tsx';
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
      <Field label={t('run.memory')} error={error('memory')}>
        {(f) => (
          <TextInput
            id={f.id}
            aria-describedby={f.describedBy}
            invalid={f.invalid}
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
        )}
      </Field>
      <Field label={t('run.cpus')} error={error('cpus')}>
        {(f) => (
          <TextInput
            id={f.id}
            aria-describedby={f.describedBy}
            invalid={f.invalid}
            mono
            inputMode="decimal"
            data-testid="run-cpus"
            placeholder={t('run.unlimited')}
            value={spec.cpus}
            onChange={(value) => set({ cpus: value.trim() })}
          />
        )}
      </Field>
    </div>
  );
}
