import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { type Explanation, explain } from '../../lib/explain.ts';
import { parseIp } from '../../lib/ip.ts';
import { containersQuery, useHosts } from '../../lib/queries.ts';
import { closeDialog } from '../../lib/screen.ts';
import { quoteWord } from '../../lib/words.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field, TextField } from '../../ui/Field.tsx';
import { CommandLine, ErrorPanel } from '../../ui/Panels.tsx';
import { Select } from '../../ui/Select.tsx';
import { connect } from './members.ts';
import './networks.css';
import type { NetworkRow } from './row.ts';
import { useNetworks } from './useNetworks.ts';

/** Gives a container a place in a network. */
export function ConnectNetworkDialog({ host: hostId, network }: { host: string; network: string }) {
  const host = useHosts().find(({ id }) => id === hostId);
  const { rows } = useNetworks(host ? [host] : []);
  const row = rows.find(({ id }) => id === network);
  return host && row ? <Form host={host} row={row} /> : null;
}

function Form({ host, row }: { host: Host; row: NetworkRow }) {
  const { t } = useTranslation();
  const containers = useQuery(containersQuery(host)).data?.containers ?? [];
  const [chosen, setChosen] = useState('');
  const [alias, setAlias] = useState('');
  const [address, setAddress] = useState('');
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Explanation>();
  // Those that have the host's network, none, or another container's, can't have one more.
  const free = containers
    .filter(
      ({ Id, HostConfig }) => !row.users.some(({ id }) => id === Id) && !/^(host|none|container:.*)$/.test(HostConfig?.NetworkMode ?? ''),
    )
    .map(({ Id, Names }) => ({ value: Id, label: Names?.[0]?.replace(/^\//, '') ?? Id.slice(0, 12) }))
    .sort((a, b) => a.label.localeCompare(b.label, undefined, { numeric: true }));
  const container = free.find(({ value }) => value === chosen) ?? free[0];
  const ip = address === '' ? undefined : parseIp(address);
  const wrong = address !== '' && !ip ? t('networks.addressInvalid') : undefined;
  const flag = ip?.bits === 128 ? '--ip6' : '--ip';
  const line = [
    'docker network connect',
    ...(alias ? [`--alias ${quoteWord(alias)}`] : []),
    ...(address ? [`${flag} ${quoteWord(address)}`] : []),
    quoteWord(row.name),
    quoteWord(container?.label ?? 'CONTAINER'),
  ].join(' ');

  const submit = async () => {
    if (!container || wrong || busy) return;
    setBusy(true);
    try {
      await connect(host.id, row.id, container.value, {
        ...(alias && { Aliases: [alias] }),
        ...(ip && { IPAMConfig: ip.bits === 128 ? { IPv6Address: address } : { IPv4Address: address } }),
      });
      closeDialog();
    } catch (error) {
      setRefusal(explain(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t('networks.connectTitle', { name: row.name })}
      width={480}
      testId="connect-dialog"
      onClose={closeDialog}
      onEnter={() => void submit()}
      footer={
        <>
          <Button onClick={closeDialog}>{t('action.cancel')}</Button>
          <Button
            tone="primary"
            busy={busy}
            disabled={!container || wrong !== undefined}
            data-testid="connect-submit"
            onClick={() => void submit()}
          >
            {t('networks.connectVerb')}
          </Button>
        </>
      }
    >
      {container ? (
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          {refusal && (
            <div className="flush">
              <ErrorPanel title={t('networks.connectFailed', { name: container.label, network: row.name })} {...refusal} />
            </div>
          )}
          <Field label={t('volumes.container')}>
            {({ id }) => (
              <Select
                id={id}
                label={t('volumes.container')}
                value={container.value}
                onChange={(value) => {
                  setChosen(value);
                  setRefusal(undefined);
                }}
                choices={free}
                testId="connect-container"
              />
            )}
          </Field>
          {!row.predefined && (
            <div className="form-row">
              <TextField
                label={t('networks.alias')}
                hint={t('networks.aliasHint')}
                mono
                data-testid="connect-alias"
                value={alias}
                onChange={(value) => setAlias(value.trim())}
              />
              <TextField
                label={t('networks.address')}
                error={wrong}
                hint={t('networks.addressHint')}
                mono
                data-testid="connect-address"
                placeholder={t('networks.addressAny')}
                value={address}
                onChange={(value) => {
                  setAddress(value.trim());
                  setRefusal(undefined);
                }}
              />
            </div>
          )}
          <div className="connect-line">
            <CommandLine command={line} />
          </div>
          <button type="submit" hidden />
        </form>
      ) : (
        <p className="prose">{t('networks.nobodyToConnect', { host: host.name })}</p>
      )}
    </Dialog>
  );
}
