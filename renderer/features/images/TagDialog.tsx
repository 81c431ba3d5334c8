import { useTranslation } from 'react-i18next';
import { explained } from '../../lib/explain.ts';
import { NameDialog } from '../../ui/NameDialog.tsx';
import { tagImage } from './actions.ts';
import type { ImageRow } from './row.ts';

export function TagDialog({ row, onClose }: { row: ImageRow; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <NameDialog
      title={t('tag.title', { name: row.reference })}
      label={t('tag.label')}
      hint={t('tag.hint')}
      verb={t('action.tag')}
      value={row.dangling ? '' : row.reference}
      mono
      onSubmit={(reference) => explained(tagImage(row, reference))}
      onClose={onClose}
    />
  );
}
