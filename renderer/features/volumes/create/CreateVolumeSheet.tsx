import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../../electron/ipc/contract.ts';
import type { VolumeInspect } from '../../../../helper/contract/docker.ts';
import { keys, queryClient } from '../../../lib/client.ts';
import { ask } from '../../../lib/confirm.ts';
import { engineJson } from '../../../lib/engine.ts';
import { type Explanation, explain } from '../../../lib/explain.ts';
import { useHosts, useShownHosts, volumesQuery } from '../../../lib/queries.ts';
import { closeDialog } from '../../../lib/screen.ts';
import { Button } from '../../../ui/Button.tsx';
import { CommandPane } from '../../../ui/CommandPane.tsx';
import { Dialog } from '../../../ui/Dialog.tsx';
import { TextField } from '../../../ui/Field.tsx';
import { ErrorPanel } from '../../../ui/Panels.tsx';
import { Segmented } from '../../../ui/Segmented.tsx';
import { HostField } from '../../hosts/index.ts';
import { openVolume } from '../menu.ts';
import type { VolumeKind } from '../row.ts';
import { KindFields } from './KindFields.tsx';
import { PairRows } from './PairRows.tsx';
import { createLines, createRequest, emptyVolume, problemsOf, type VolumeSpec } from './spec.ts';

const kinds: VolumeKind[] = ['plain', 'tmpfs', 'folder', 'nfs', 'other'];
const noHost: Host = { id: '', name: '', colour: 'grey', kind: 'local', state: { status: 'connecting' } };

/** Makes a volume on a host; the `docker volume create` line stands beside it. */
export function CreateVolumeSheet({ host: initialHost }: { host?: string | undefined }) {
  const { t } = useTranslation();
  const hosts = useHosts().filter(({ state, readOnly }) => state.status === 'connected' && !readOnly);
  const shown = useShownHosts();
  const [chosen, setHost] = useState(initialHost);
  // Not decided at opening: the host may become connected while the form is filled in.
  const host = hosts.find(({ id }) => id === chosen) ?? hosts.find(({ id }) => shown.some((each) => each.id === id)) ?? hosts[0];
  const [spec, setSpec] = useState(emptyVolume);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Explanation>();
  const volumes = useQuery({ ...volumesQuery(host ?? noHost), enabled: host !== undefined }).data ?? [];
  const problems = problemsOf(
    spec,
    volumes.map(({ Name }) => Name),
  );
  const set = (change: Partial<VolumeSpec>) => {
    setSpec((now) => ({ ...now, ...change }));
    setRefusal(undefined);
  };
  // What is wrong is said while typing; what is only missing, when the form was sent.
  const error = (field: string): ReactNode => {
    const problem = problems[field];
    return problem && (tried || !problem.endsWith('Missing')) ? t(`volumeCreate.${problem}`, { name: spec.name }) : undefined;
  };

  const submit = async () => {
    setTried(true);
    if (!host || busy || Object.keys(problems).length > 0) return;
    setBusy(true);
    try {
      const made = await engineJson<VolumeInspect>(host.id, '/volumes/create', { method: 'POST', body: createRequest(spec) });
      await queryClient.invalidateQueries({ queryKey: keys.volumes(host.id) });
      closeDialog();
      openVolume(host.id, made.Name);
    } catch (failure) {
      setRefusal(explain(failure));
    } finally {
      setBusy(false);
    }
  };
  const close = async () => {
    const question = { title: t('run.discardTitle'), text: t('run.discardText'), verb: t('run.discard'), danger: true };
    if (spec !== emptyVolume && !busy && !(await ask(question)).yes) return;
    closeDialog();
  };

  return (
    <Dialog
      kind="sheet"
      title={t('volumeCreate.title')}
      width={860}
      testId="volume-sheet"
      onClose={() => void close()}
      footer={
        <>
          <Button onClick={() => void close()}>{t('action.cancel')}</Button>
          <Button tone="primary" icon={Plus} busy={busy} disabled={!host} data-testid="volume-submit" onClick={() => void submit()}>
            {t('volumeCreate.verb')}
          </Button>
        </>
      }
    >
      <form
        className="sheet-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {refusal && (
          <div className="flush">
            <ErrorPanel title={t('volumeCreate.failed')} {...refusal} />
          </div>
        )}
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
          {hosts.length > 1 && host && <HostField hosts={hosts} value={host.id} onChange={setHost} testId="volume-host" />}
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
        <button type="submit" hidden />
      </form>
      <CommandPane label={t('run.line')} lines={createLines(spec)} testId="volume-line" />
    </Dialog>
  );
}
