import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { explained } from '../../lib/explain.ts';
import { NameDialog } from '../../ui/NameDialog.tsx';

export function HostNameDialog({ host, onClose }: { host: Host; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <NameDialog
      title={t('rename.title', { name: host.name })}
      label={t('column.name')}
      verb={t('action.rename')}
      value={host.name}
      onSubmit={(name) => explained(gantry().hosts.update(host.id, { name }))}
      onClose={onClose}
    />
  );
}
