import { useTranslation } from 'react-i18next';
import type { InstallAction } from '../../../electron/ipc/contract.ts';
import { useHosts } from '../../lib/queries.ts';
import { closeDialog } from '../../lib/screen.ts';
import { toast } from '../../lib/toast.ts';
import { InstallView } from './InstallView.tsx';

/** Our engine on a host of the list: set up, upgraded or taken away. */
export function InstallDialog({ hostId, action }: { hostId: string; action: InstallAction }) {
  const { t } = useTranslation();
  const name = useHosts().find(({ id }) => id === hostId)?.name ?? '';
  const done = () => {
    toast({ tone: 'success', title: t(`install.done.${action}`, { name }) });
    closeDialog();
  };
  return <InstallView target={{ host: hostId }} action={action} name={name} onClose={closeDialog} onDone={done} />;
}
