import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { keys, queryClient } from '../../../lib/client.ts';
import { useCreateForm } from '../../../lib/create-form.ts';
import { engineJson } from '../../../lib/engine.ts';
import { networksQuery } from '../../../lib/queries.ts';
import { closeDialog } from '../../../lib/screen.ts';
import { Checkbox } from '../../../ui/Checkbox.tsx';
import { CommandPane } from '../../../ui/CommandPane.tsx';
import { TextField } from '../../../ui/Field.tsx';
import { FormSheet } from '../../../ui/FormSheet.tsx';
import { PairRows } from '../../../ui/PairRows.tsx';
import { Segmented } from '../../../ui/Segmented.tsx';
import { HostField, useFormHost } from '../../hosts/index.ts';
import { openNetwork } from '../menu.ts';
import { AddressFields } from './AddressFields.tsx';
import { createLines, createRequest, drivers, emptyNetwork, type NetworkDriver, problemsOf } from './spec.ts';

/** Makes a network on a host; the `docker network create` line stands beside it. */
export function CreateNetworkSheet({ host: initialHost }: { host?: string | undefined }) {
  const { t } = useTranslation();
  const { hosts, host, setHost } = useFormHost(initialHost);
  const form = useCreateForm(emptyNetwork, async (spec) => {
    const { Id } = await engineJson<{ Id: string }>(host.id, '/networks/create', { method: 'POST', body: createRequest(spec) });
    await queryClient.invalidateQueries({ queryKey: keys.networks(host.id) });
    closeDialog();
    openNetwork(host.id, Id);
  });
  const { spec, set } = form;
  const networks = useQuery(networksQuery(host)).data ?? [];
  const problems = problemsOf(
    spec,
    networks.map(({ Name, IPAM }) => ({ name: Name, subnets: (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []) })),
  );
  const error = (field: string): ReactNode => {
    const problem = problems[field];
    return problem && form.isTold(problem.key) ? t(`networkCreate.${problem.key}`, problem.values) : undefined;
  };

  return (
    <FormSheet
      title={t('networkCreate.title')}
      width={860}
      changed={form.changed}
      busy={form.busy}
      submit={{ label: t('networks.create'), icon: Plus, disabled: host.id === '', testId: 'network-submit' }}
      onSubmit={() => void form.submit(host.id !== '' && Object.keys(problems).length === 0)}
      onClose={closeDialog}
      testId="network-sheet"
      refusal={form.refusal && { title: t('networkCreate.failed'), ...form.refusal }}
      pane={<CommandPane label={t('run.line')} lines={createLines(spec)} testId="network-line" />}
    >
      <div className="form-row">
        <TextField
          label={t('column.name')}
          error={error('name')}
          mono
          autoFocus
          data-testid="network-name"
          value={spec.name}
          onChange={(name) => set({ name: name.trim() })}
        />
        {hosts.length > 1 && <HostField hosts={hosts} value={host.id} onChange={setHost} testId="network-host" />}
      </div>
      <div className="field">
        <span className="label">{t('column.driver')}</span>
        <Segmented
          label={t('column.driver')}
          value={spec.driver}
          onChange={(driver) => set({ driver: driver as NetworkDriver })}
          choices={drivers.map((driver) => ({ value: driver, label: driver }))}
        />
        <p className="field-note">{t(`networkDriver.${spec.driver}`)}</p>
      </div>
      {spec.driver !== 'bridge' && (
        <TextField
          label={t('networkCreate.parent', { host: host.name })}
          hint={t('networkCreate.parentHint')}
          mono
          placeholder="eth0"
          data-testid="network-parent"
          value={spec.parent}
          onChange={(parent) => set({ parent: parent.trim() })}
        />
      )}
      <AddressFields family="v4" addresses={spec.v4} onChange={(v4) => set({ v4 })} error={error} />
      <Checkbox checked={spec.ipv6} onChange={(ipv6) => set({ ipv6 })} label={t('networkCreate.ipv6')} />
      {spec.ipv6 && <AddressFields family="v6" addresses={spec.v6} onChange={(v6) => set({ v6 })} error={error} />}
      <Checkbox checked={spec.internal} onChange={(internal) => set({ internal })} label={t('networkCreate.internal')} />
      <Checkbox checked={spec.attachable} onChange={(attachable) => set({ attachable })} label={t('networkCreate.attachable')} />
      <PairRows
        label={t('volumes.options')}
        add={t('volumeCreate.addOption')}
        testId="network-option"
        pairs={spec.options}
        onChange={(options) => set({ options })}
        error={(i) => error(`options.${i}`)}
      />
      <PairRows
        label={t('column.labels')}
        add={t('volumeCreate.addLabel')}
        testId="network-label"
        pairs={spec.labels}
        onChange={(labels) => set({ labels })}
        error={(i) => error(`labels.${i}`)}
      />
    </FormSheet>
  );
}
