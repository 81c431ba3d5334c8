import { CopyPlus, Trash2, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { TransferSource } from '../../../electron/ipc/contract.ts';
import { useHosts } from '../../lib/queries.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { openTransfer } from '../transfer/index.ts';
import type { List, Listed } from './useList.ts';

interface BulkProps<R extends Listed> {
  list: List<R>;
  /** How many they are, and how large. */
  count: string;
  /** What else can be done with them. */
  children?: ReactNode;
  /** How they are copied to another host, where they travel on their own. */
  sourceOf?: (row: R) => TransferSource;
  /** `Delete 3 volumes` */
  deleteLabel: string;
  /** @returns true once they are gone: then nothing is selected any more */
  onDelete: (rows: R[]) => Promise<unknown>;
}

/** What several rows have in common: copied to another host, deleted, and what their page adds. */
export function Bulk<R extends Listed>({ list, count, children, sourceOf, deleteLabel, onDelete }: BulkProps<R>) {
  const { t } = useTranslation();
  const many = useHosts().length > 1;
  const { chosen } = list;
  const clear = () => list.setSelection(new Set());
  return (
    <>
      <span className="num bulk-count">{count}</span>
      {children}
      {many && sourceOf && (
        <Button tone="ghost" icon={CopyPlus} data-testid="bulk-copy" onClick={() => openTransfer(chosen.map(sourceOf))}>
          {t('bulk.copyTo')}
        </Button>
      )}
      <Button
        tone="ghost"
        icon={Trash2}
        className="bulk-delete"
        data-testid="bulk-delete"
        onClick={() => void onDelete(chosen).then((gone) => gone === true && clear())}
      >
        {deleteLabel}
      </Button>
      <IconButton icon={X} name={t('bulk.clear')} keys="Esc" onClick={clear} />
    </>
  );
}
