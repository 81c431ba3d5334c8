import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { namePattern } from '../../lib/names.ts';
import { NameDialog } from '../../ui/NameDialog.tsx';
import { restore } from './actions.ts';
import type { BinRow } from './useBin.ts';

/** Its name was given to another one meanwhile: asks for a new one. */
export function RestoreDialog({ row, onClose }: { row: BinRow; onClose: () => void }) {
  const { t } = useTranslation();
  const [taken, setTaken] = useState(row.entry.Name);
  const taking = (name: string) => t('bin.nameTaken', { name });
  return (
    <NameDialog
      title={t('bin.restoreTitle', { name: row.entry.Name })}
      label={t('bin.newName')}
      verb={t('bin.restore')}
      value={`${row.entry.Name}-2`}
      mono
      testId="bin-restore"
      check={(name) => (!namePattern.test(name) ? t('run.nameInvalid') : name === taken ? taking(name) : undefined)}
      onSubmit={async (name) => {
        if ((await restore(row, name)) !== 'taken') return undefined;
        setTaken(name);
        return taking(name);
      }}
      onClose={onClose}
    >
      <p className="prose">{taking(row.entry.Name)}</p>
    </NameDialog>
  );
}
