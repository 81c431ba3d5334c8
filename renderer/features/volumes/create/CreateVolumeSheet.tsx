import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { VolumeInspect } from '../../../../helper/contract/docker/index.ts';
import { keys, queryClient } from '../../../lib/client.ts';
import { useCreateForm } from '../../../lib/create-form.ts';
import { engineJson } from '../../../lib/engine.ts';
import { volumesQuery } from '../../../lib/queries.ts';
import { closeDialog } from '../../../lib/screen.ts';
import { CommandPane } from '../../../ui/CommandPane.tsx';
import { TextField } from '../../../ui/Field.tsx';
import { FormSheet } from '../../../ui/FormSheet.tsx';
import { PairRows } from '../../../ui/PairRows.tsx';
import { Segmented } from '../../../ui/Segmented.tsx';
import { HostField, useFormHost } from '../../hosts/index.ts';
import { openVolume } from '../menu.ts';
import type { VolumeKind } from '../row.ts';
import { KindFields } from './KindFields.tsx';
import { createLines, createRequest, emptyVolume, problemsOf } from './spec.ts';

const kinds: VolumeKind[] = ['plain', 'tmpfs', 'folder', 'nfs', 'other'];

/** Makes a volume on a host; the `docker volume create` line stands beside it. */
export function CreateVolumeSheet({ host: initialHost }: { host?: string | undefined }) {
  const { t } = useTranslation();
  const { hosts, host, setHost } = useFormHost(initialHost);
  const form = useCreateForm(emptyVolume, async (spec) => {
    const made = await engineJson<VolumeInspect>(host.id, '/volumes/create', { method: 'POST', body: createRequest(spec) });
    await queryClient.invalidateQueries({ queryKey: keys.volumes(host.id) });
    closeDialog();
    openVolume(host.id, made.Name);
  });
  const { spec, set } = form;
  const volumes = useQuery(volumesQuery(host)).data ?? [];
  const problems = problemsOf(
    spec,
    volumes.map(({ Name }) => Name),
  );
  const error = (field: string): ReactNode => {
    const problem = problems[field];
    return problem && form.isTold(problem) ? t(`volumeCreate.${problem}`, { name: spec.name }) : undefined;
  };

  return (
    <FormSheet
      title={t('volumeCreate.title')}
      width={860}
      changed={form.changed}
      busy={form.busy}
      submit={{ label: t('volumeCreate.verb'), icon: Plus, disabled: host.id === '', testId: 'volume-submit' }}
      onSubmit={() => void form.submit(host.id !== '' && Object.keys(problems).length === 0)}
      onClose={closeDialog}
      testId="volume-sheet"
      refusal={form.refusal && { title: t('volumeCreate.failed'), ...form.refusal }}
      pane={<CommandPane label={t('run.line')} lines={createLines(spec)} testId="volume-line" />}
    >
      <div className="form-row">
        <TextField
          label={t('column.name')}
          error={error('name')}
          mono
          autoFocus
          data-testid="volume-name"
          placeholder={t('run.namePlaceholder')}
          value={spec.name}
          onChange={(name) => set({ name: name.trim() })}
        />
        {hosts.length > 1 && <HostField hosts={hosts} value={host.id} onChange={setHost} testId="volume-host" />}
      </div>
      <div className="field">
        <span className="label">{t('volumes.kind')}</span>
        <Segmented
          label={t('volumes.kind')}
          value={spec.kind}
          onChange={(kind) => set({ kind: kind as VolumeKind })}
          choices={kinds.map((kind) => ({ value: kind, label: t(`volumeKind.${kind}`) }))}
        />
        <p className="field-note">{t(`volumeKindText.${spec.kind}`)}</p>
      </div>
      <KindFields spec={spec} set={set} error={error} host={host} />
      <PairRows
        label={t('column.labels')}
        add={t('volumeCreate.addLabel')}
        testId="volume-label"
        pairs={spec.labels}
        onChange={(labels) => set({ labels })}
        error={(i) => error(`labels.${i}`)}
      />
    </FormSheet>
  );
}
