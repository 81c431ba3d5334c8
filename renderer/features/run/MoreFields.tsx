import { useTranslation } from 'react-i18next';
import type { ImageInspect } from '../../../helper/contract/docker/index.ts';
import { TextField } from '../../ui/Field.tsx';
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
        <TextField
          label={t('run.entrypoint')}
          mono
          placeholder={(config?.Entrypoint ?? []).join(' ')}
          value={spec.entrypoint}
          onChange={(value) => set({ entrypoint: value })}
        />
        <TextField
          label={t('run.workdir')}
          mono
          placeholder={config?.WorkingDir || '/'}
          value={spec.workdir}
          onChange={(value) => set({ workdir: value })}
        />
      </div>
      <div className="form-row">
        <TextField
          label={t('run.user')}
          mono
          placeholder={config?.User || 'root'}
          value={spec.user}
          onChange={(value) => set({ user: value })}
        />
        <TextField label={t('run.hostname')} mono value={spec.hostname} onChange={(value) => set({ hostname: value })} />
      </div>
    </>
  );
}
