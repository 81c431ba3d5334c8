import { useTranslation } from 'react-i18next';
import { explained } from '../../lib/explain.ts';
import { namePattern } from '../../lib/names.ts';
import { NameDialog } from '../../ui/NameDialog.tsx';
import { renameContainer, type Target } from './actions.ts';

export function RenameDialog({ target, onClose }: { target: Target; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <NameDialog
      title={t('rename.title', { name: target.name })}
      label={t('rename.label')}
      verb={t('action.rename')}
      value={target.name}
      mono
      check={(name) => (namePattern.test(name) ? undefined : t('run.nameInvalid'))}
      onSubmit={async (name) => (name === target.name ? undefined : explained(renameContainer(target, name)))}
      onClose={onClose}
    />
  );
}
