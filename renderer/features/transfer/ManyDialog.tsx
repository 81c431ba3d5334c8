import { useQueries } from '@tanstack/react-query';
import { Box, HardDrive, Layers } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { TransferPlan, TransferSource } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { explain } from '../../lib/explain.ts';
import { formatSize, shortId } from '../../lib/format.ts';
import { useHosts } from '../../lib/queries.ts';
import { Skeleton } from '../../ui/Panels.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { HostField } from '../hosts/index.ts';
import { useBatches } from './batches.ts';
import { FormFrame } from './Frames.tsx';
import { ManyRunning } from './ManyRunning.tsx';
import { Options } from './Options.tsx';
import { Notes, Part } from './Preview.tsx';
import { targetsOf } from './targets.ts';
import {
  bytesOfAll,
  bytesToTravel,
  type Choices,
  mayLeave,
  nameOfAll,
  type Planned,
  problemOf,
  problemTexts,
  transferPlanQuery,
} from './transfers.ts';

interface ManyDialogProps {
  sources?: TransferSource[] | undefined;
  move?: boolean | undefined;
  /** The target's id, when it is known already. */
  to?: string | undefined;
  /** A batch that is under way, or was. */
  batch?: string | undefined;
}

/** Copies or moves several things of one kind to another host: one question, one preview. */
export function ManyDialog({ sources = [], move = false, to, batch }: ManyDialogProps) {
  const [running, setRunning] = useState(batch);
  const found = useBatches().find(({ id }) => id === running);
  if (found) return <ManyRunning batch={found} />;
  return running === undefined && <ManyForm sources={sources} move={move} to={to} onStarted={setRunning} />;
}

const icons = { image: Layers, container: Box, volume: HardDrive };

function ManyForm({
  sources: all,
  move,
  to,
  onStarted,
}: {
  sources: TransferSource[];
  move: boolean;
  to: string | undefined;
  onStarted: (id: string) => void;
}) {
  const { t } = useTranslation();
  const hosts = useHosts();
  const targets = targetsOf(hosts, all).flatMap(({ host, unfit }) => (unfit ? [] : [host]));
  const [chosen, setTarget] = useState(to ?? '');
  const target = targets.find(({ id }) => id === chosen) ?? targets[0];
  // Those of the target itself are there.
  const sources = all.filter(({ hostId }) => hostId !== target?.id);
  const production = hosts.find(({ id, production: marked }) => marked && sources.some(({ hostId }) => hostId === id));
  const readOnly = hosts.filter((host) => host.readOnly && all.some(({ hostId }) => hostId === host.id));
  const isReadOnly = readOnly.length > 0;
  const [choices, setChoices] = useState<Choices>({
    move: move && !isReadOnly,
    name: '',
    start: false,
    pause: !isReadOnly,
    remove: true,
  });
  const plans = useQueries({ queries: sources.map((source) => transferPlanQuery(source, target?.id ?? '')) });
  const change = (some: Partial<Choices>) => setChoices((before) => ({ ...before, ...some }));

  const rows = sources.map((source, i) => {
    const plan = plans[i]?.data;
    const problem = plan && problemOf(source, plan, { ...choices, name: source.name });
    const error = plans[i]?.error;
    const kept = plan && !mayLeave(source, plan, choices) ? readOnly.find(({ id }) => id === source.hostId) : undefined;
    const why =
      (problem && t(problemTexts[problem])) ??
      (kept && t('transfer.readOnlyStays', { host: kept.name })) ??
      (error ? explain(error).message : undefined);
    return { source, plan, why };
  });
  const going = rows.flatMap(({ source, plan, why }): Planned[] => (plan && why === undefined ? [{ source, plan }] : []));
  const isReady = target !== undefined && going.length > 0 && rows.every(({ plan, why }) => plan !== undefined || why !== undefined);
  const submit = async () => {
    if (!isReady) return;
    const { name, remove, ...how } = choices;
    const sources = going.map(({ source }) => source);
    onStarted(await gantry().batches.start({ ...how, to: target.id, sources, remove: remove && production === undefined }));
  };
  const [first] = all;
  return (
    <FormFrame name={nameOfAll(all)} move={choices.move} width={600} target={target} ready={isReady} onSubmit={() => void submit()}>
      <HostField label={t('transfer.target')} hosts={targets} value={target?.id ?? ''} onChange={setTarget} testId="transfer-target" />
      {!isReadOnly && (
        <Segmented
          label={t('transfer.what')}
          value={choices.move ? 'move' : 'copy'}
          onChange={(value) => change({ move: value === 'move' })}
          choices={[
            { value: 'copy', label: t('transfer.copy') },
            { value: 'move', label: t('transfer.move') },
          ]}
        />
      )}
      <p className="dim prose">{first && t(`transfer.${choices.move ? 'moveText' : 'copyText'}.${first.kind}`)}</p>
      {!target ? (
        <p className="prose">{t('transfer.noTargetText')}</p>
      ) : (
        <section className="transfer-preview" aria-label={t('transfer.preview')} data-testid="transfer-preview">
          <ul className="transfer-many">
            {rows.map(({ source, plan, why }) => (
              <Part
                key={`${source.hostId}/${source.id}`}
                icon={icons[source.kind]}
                name={source.name}
                note={why ?? (plan && withWhat(source, plan))}
                size={plan && why === undefined ? formatSize(bytesToTravel(plan).bytes) : '–'}
              />
            ))}
          </ul>
          {!isReady && going.length < rows.length && rows.some(({ plan, why }) => !plan && why === undefined) ? (
            <Skeleton rows={1} label={t('loading')} />
          ) : (
            <p className="transfer-total">
              <span>{t('transfer.totalOf', { count: going.length, all: rows.length })}</span>
              <strong className="num" data-testid="transfer-total">
                {t('transfer.about', { size: formatSize(bytesOfAll(going)) })}
              </strong>
            </p>
          )}
          <Notes parts={going} />
        </section>
      )}
      {isReadOnly && <p className="prose">{t('transfer.readOnlySource', { host: readOnly.map(({ name }) => name).join(', ') })}</p>}
      {production && choices.move && <p className="prose">{t('transfer.productionStays', { host: production.name })}</p>}
      <Options isProduction={production !== undefined} isReadOnly={isReadOnly} parts={going} choices={choices} onChange={change} />
    </FormFrame>
  );
}

/** What a container takes along, by name. */
function withWhat({ kind }: TransferSource, { image, volumes, networks }: TransferPlan): string {
  if (kind !== 'container') return '';
  return [
    image?.names[0] ?? (image && shortId(image.id)),
    ...volumes.map(({ name, anonymous }) => (anonymous ? shortId(name) : name)),
    ...networks.map(({ name }) => name),
  ]
    .filter(Boolean)
    .join(', ');
}
