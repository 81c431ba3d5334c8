import { useQuery } from '@tanstack/react-query';
import { FolderOpen } from 'lucide-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { volumesQuery } from '../../lib/queries.ts';
import { IconButton } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { TextInput } from '../../ui/Field.tsx';
import { Row, Rows } from '../../ui/Rows.tsx';
import type { RunForm } from './useRunForm.tsx';

export function MountRows({ form: { spec, set, row, drop, error }, host }: { form: RunForm; host: Host }) {
  const { t } = useTranslation();
  const listId = useId();
  const volumes = useQuery({ ...volumesQuery(host), enabled: spec.mounts.length > 0 && host.id !== '' });
  // A folder of this machine means nothing to another one.
  const onThisMachine = host.kind === 'local' || host.kind === 'socket';
  return (
    <>
      <Rows
        label={t('run.mounts')}
        add={t('run.addMount')}
        onAdd={() => set({ mounts: [...spec.mounts, { source: '', target: '', readOnly: false }] })}
      >
        {spec.mounts.map((mount, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
          <Row key={i} onDrop={() => drop('mounts', i)} error={error(`mounts.${i}.source`) ?? error(`mounts.${i}.target`)}>
            <div className="with-button">
              <TextInput
                mono
                aria-label={t('run.mountSource')}
                placeholder={t('run.mountSourceHint')}
                list={listId}
                data-testid={`run-mount-source-${i}`}
                value={mount.source}
                onChange={(value) => row('mounts', i, { source: value })}
              />
              {onThisMachine && (
                <IconButton
                  small
                  icon={FolderOpen}
                  name={t('run.pickFolder')}
                  onClick={() =>
                    void gantry()
                      .dialogs.pickPath({ kind: 'folder', title: t('run.pickFolder') })
                      .then((path) => {
                        if (path) row('mounts', i, { source: path });
                      })
                  }
                />
              )}
            </div>
            <span className="dim">→</span>
            <TextInput
              mono
              aria-label={t('run.mountTarget')}
              placeholder="/data"
              data-testid={`run-mount-target-${i}`}
              invalid={error(`mounts.${i}.target`) !== undefined}
              value={mount.target}
              onChange={(value) => row('mounts', i, { target: value })}
            />
            <Checkbox checked={mount.readOnly} onChange={(readOnly) => row('mounts', i, { readOnly })} label={t('run.readOnly')} />
          </Row>
        ))}
      </Rows>
      <datalist id={listId}>
        {(volumes.data ?? []).map((v) => (
          <option key={v.Name} value={v.Name} />
        ))}
      </datalist>
    </>
  );
}
