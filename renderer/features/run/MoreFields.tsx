import { useTranslation } from 'react-i18next';
import type { ImageInspect } from '../../../helper/contract/docker.ts';
import { Field, TextInput } from '../../ui/Field.tsx';
import type { RunForm } from './useRunForm.tsx';

interface MoreFieldsProps {
  form: RunForm;
  /** What the image says of them. */
  config: ImageInspect['Config'] | undefined;
}

/** What few need. */
export function MoreFields({ form: { spec, set }, config }: MoreFieldsProps) {
  const { t } = useTranslation();
  return (
    <>
      <div className="form-row">
        <Field label={t('run.entrypoint')}>
          {({ id }) => (
            <TextInput
              id={id}
              mono
              placeholder={(config?.Entrypoint ?? []).join(' ')}
              value={spec.entrypoint}
              onChange={(value) => set({ entrypoint: value })}
            />
          )}
        </Field>
        <Field label={t('run.workdir')}>
          {({ id }) => (
            <TextInput
              id={id}
              mono
              placeholder={config?.WorkingDir || '/'}
              value={spec.workdir}
              onChange={(value) => set({ workdir: value })}
            />
          )}
        </Field>
      </div>
      <div className="form-row">
        <Field label={t('run.user')}>
          {({ id }) => (
            <TextInput id={id} mono placeholder={config?.User || 'root'} value={spec.user} onChange={(value) => set({ user: value })} />
          )}
        </Field>
        <Field label={t('run.hostname')}>
          {({ id }) => <TextInput id={id} mono value={spec.hostname} onChange={(value) => set({ hostname: value })} />}
        </Field>
      </div>
    </>
  );
}
