import { FolderOpen } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../../electron/ipc/contract.ts';
import { gantry } from '../../../lib/bridge.ts';
import { IconButton } from '../../../ui/Button.tsx';
import { TextField } from '../../../ui/Field.tsx';
import { PairRows } from '../../../ui/PairRows.tsx';
import type { VolumeSpec } from './spec.ts';

interface KindFieldsProps {
  spec: VolumeSpec;
  set: (change: Partial<VolumeSpec>) => void;
  error: (field: string) => ReactNode;
  host: Host | undefined;
}

/** What a kind of volume needs to know. */
export function KindFields({ spec, set, error, host }: KindFieldsProps) {
  const { t } = useTranslation();
  const more = (placeholder: string) => (
    <TextField
      label={t('volumeCreate.mountOptions')}
      mono
      placeholder={placeholder}
      data-testid="volume-mount-options"
      value={spec.mountOptions}
      onChange={(value) => set({ mountOptions: value.trim() })}
    />
  );
  if (spec.kind === 'tmpfs')
    return (
      <div className="form-row">
        <TextField
          label={t('volumeCreate.size')}
          error={error('size')}
          mono
          placeholder={t('volumeCreate.sizeHint')}
          data-testid="volume-size"
          value={spec.size}
          onChange={(value) =>
            set({
              size: value
                .trim()
                .toLowerCase()
                .replace(/\s*([kmg])i?b$/, '$1'),
            })
          }
        />
        {more('mode=1770,uid=1000')}
      </div>
    );
  if (spec.kind === 'folder') {
    // A folder of this machine means nothing to another one.
    const onThisMachine = host?.kind === 'local' || host?.kind === 'socket';
    const pick = async () => {
      const path = await gantry().dialogs.pickPath({ kind: 'folder', title: t('run.pickFolder') });
      if (path) set({ folder: path });
    };
    return (
      <TextField
        label={t('volumeCreate.folder', { host: host?.name ?? '' })}
        error={error('folder')}
        hint={t('volumeCreate.folderHint')}
        mono
        placeholder="/srv/data"
        data-testid="volume-folder"
        value={spec.folder}
        onChange={(folder) => set({ folder })}
        inside={onThisMachine && <IconButton small icon={FolderOpen} name={t('run.pickFolder')} onClick={() => void pick()} />}
      />
    );
  }
  if (spec.kind === 'nfs')
    return (
      <>
        <div className="form-row">
          <TextField
            label={t('volumeCreate.server')}
            error={error('server')}
            mono
            placeholder="10.0.0.7"
            data-testid="volume-server"
            value={spec.server}
            onChange={(value) => set({ server: value.trim() })}
          />
          <TextField
            label={t('volumeCreate.path')}
            error={error('path')}
            mono
            placeholder="/export/data"
            data-testid="volume-path"
            value={spec.path}
            onChange={(value) => set({ path: value.trim() })}
          />
        </div>
        {more('nfsvers=4,ro')}
      </>
    );
  if (spec.kind === 'other')
    return (
      <>
        <TextField
          label={t('column.driver')}
          error={error('driver')}
          hint={t('volumeCreate.driverHint')}
          mono
          data-testid="volume-driver"
          value={spec.driver}
          onChange={(driver) => set({ driver })}
        />
        <PairRows
          label={t('volumes.options')}
          add={t('volumeCreate.addOption')}
          testId="volume-option"
          pairs={spec.options}
          onChange={(options) => set({ options })}
          error={(i) => error(`options.${i}`)}
        />
      </>
    );
  return null;
}
