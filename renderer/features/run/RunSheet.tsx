import { useQuery } from '@tanstack/react-query';
import { ClipboardPaste, Play } from 'lucide-react';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../helper/contract/docker/index.ts';
import { EngineError } from '../../lib/engine.ts';
import { explain } from '../../lib/explain.ts';
import { freePort, heldPorts, suggestedPort } from '../../lib/host-ports.ts';
import { containersQuery, imagesQuery, useImage } from '../../lib/queries.ts';
import { navigate } from '../../lib/route.ts';
import { closeDialog } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { TextField } from '../../ui/Field.tsx';
import { FormSheet } from '../../ui/FormSheet.tsx';
import { cancelPull, PullProgress, usePulls } from '../activity/index.ts';
import { HostField, useFormHost } from '../hosts/index.ts';
import { emptySpec, type RunSpec, runLines } from './command.ts';
import { EnvRows } from './EnvRows.tsx';
import { LimitFields } from './LimitFields.tsx';
import { MoreFields } from './MoreFields.tsx';
import { MountRows } from './MountRows.tsx';
import { PortRows } from './PortRows.tsx';
import { RunCommand } from './RunCommand.tsx';
import './run.css';
import { runContainer } from './submit.ts';
import { useRunForm } from './useRunForm.tsx';
import { fieldOf } from './validate.ts';

/** The image's ports that the form has no row for, each with a free port of the host. */
function portsToOffer(exposed: object | null | undefined, containers: ContainerSummary[], spec: RunSpec): RunSpec['ports'] {
  const taken = new Map<number, unknown>([...heldPorts(containers), ...spec.ports.map((p) => [Number(p.host), ''] as const)]);
  return Object.keys(exposed ?? {}).flatMap((key) => {
    const [container = '', protocol] = key.split('/');
    if (spec.ports.some((p) => p.container === container)) return [];
    const port = freePort(taken, suggestedPort(Number(container)));
    taken.set(port, '');
    return [{ ip: '', host: String(port), container, protocol: protocol === 'udp' ? 'udp' : 'tcp' }];
  });
}

export function RunSheet({
  host: initialHost,
  image,
  line,
}: {
  host?: string | undefined;
  image?: string | undefined;
  line?: string | undefined;
}) {
  const { t } = useTranslation();
  const { hosts, host, setHost } = useFormHost(initialHost);
  const [busy, setBusy] = useState(false);
  const [pullId, setPullId] = useState<string | null>(null);
  const pull = usePulls((s) => s.pulls.find((p) => p.id === pullId));
  const listId = useId();
  const containers = useQuery(containersQuery(host)).data?.containers;
  const images = useQuery(imagesQuery(host)).data;
  const form = useRunForm(image, line, containers);
  const { spec, set, error, problems, refusal, setRefusal } = form;
  const known = (images ?? []).flatMap((i) => (i.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>'));
  const isLocal =
    known.includes(spec.image) ||
    known.includes(`${spec.image}:latest`) ||
    (images ?? []).some((i) => spec.image.length >= 12 && i.Id.replace('sha256:', '').startsWith(spec.image));
  const config = useImage(host.id, isLocal ? spec.image : '').data?.Config;
  const dirty = JSON.stringify({ ...spec, image: '' }) !== JSON.stringify(emptySpec) || (spec.image !== '' && spec.image !== image);

  // Ports of the image that the form has no row for yet: offered with a free host port as soon as the image is known.
  const [offered, setOffered] = useState('');
  if (config && containers && offered !== `${host.id}/${spec.image}`) {
    setOffered(`${host.id}/${spec.image}`);
    const ports = portsToOffer(config.ExposedPorts, containers, spec);
    if (ports.length > 0) set({ ports: [...spec.ports, ...ports] });
  }

  const submit = async () => {
    form.tryOut();
    if (Object.keys(problems).length > 0 || host.id === '' || busy) return;
    setBusy(true);
    setRefusal(null);
    try {
      const id = await runContainer(host, spec, setPullId);
      closeDialog();
      navigate({
        page: 'containers',
        detail: { host: host.id, id: id.slice(0, 12), tab: spec.tty && spec.interactive ? 'terminal' : 'logs' },
      });
    } catch (failure) {
      setPullId(null);
      const cancelled = failure instanceof EngineError && failure.status === 499;
      if (!cancelled) {
        const why = explain(failure);
        setRefusal({ ...why, field: fieldOf(why.message, spec) });
      }
    } finally {
      setBusy(false);
    }
  };
  const shownFields = [
    'image',
    'name',
    'command',
    'memory',
    'cpus',
    'restart',
    ...spec.ports.map((_, i) => `ports.${i}.host`),
    ...spec.mounts.map((_, i) => `mounts.${i}.source`),
  ];

  const isShownAtField = refusal?.field !== undefined && shownFields.includes(refusal.field);

  return (
    <FormSheet
      title={t('run.title')}
      width={920}
      changed={dirty}
      busy={busy}
      submit={{ label: t('action.run'), icon: Play, disabled: host.id === '', testId: 'run-submit' }}
      onSubmit={() => void submit()}
      onClose={closeDialog}
      onGiveUp={pullId ? () => cancelPull(pullId) : undefined}
      testId="run-sheet"
      note={pull ? t('run.pulling', { image: spec.image }) : !isLocal && spec.image.trim() && images && t('run.willPull')}
      progress={pull && <PullProgress pull={pull} />}
      refusal={refusal && !isShownAtField ? { title: t('run.failed'), ...refusal } : undefined}
      pane={<RunCommand lines={runLines(spec)} ignored={form.ignored} onPaste={form.paste} icon={ClipboardPaste} />}
    >
      {hosts.length > 1 && <HostField hosts={hosts} value={host.id} onChange={setHost} />}
      <div className="form-row">
        <TextField
          label={t('column.image')}
          error={error('image')}
          mono
          autoFocus={!image}
          data-testid="run-image"
          list={`${listId}-images`}
          placeholder="nginx:1.27"
          value={spec.image}
          onBlur={() => form.touch('image')}
          onPaste={(event) => {
            if (form.paste(event.clipboardData.getData('text'))) event.preventDefault();
          }}
          onChange={(value) => set({ image: value.trim() })}
        />
        <TextField
          label={t('column.name')}
          error={error('name', (value) => set({ name: value }))}
          mono
          data-testid="run-name"
          placeholder={t('run.namePlaceholder')}
          value={spec.name}
          onChange={(value) => set({ name: value })}
        />
      </div>
      <datalist id={`${listId}-images`}>
        {known.map((tag) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
      <TextField
        label={t('run.command')}
        error={error('command')}
        hint={
          config ? t('run.commandHint', { command: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].join(' ') || '–' }) : undefined
        }
        mono
        data-testid="run-command"
        value={form.commandText}
        onChange={form.setCommand}
      />
      <div className="run-checks">
        <Checkbox checked={spec.tty && spec.interactive} onChange={(on) => set({ tty: on, interactive: on })} label={t('run.tty')} />
        <Checkbox checked={spec.autoRemove} onChange={(on) => set({ autoRemove: on })} label={t('run.autoRemove')} />
      </div>

      <PortRows form={form} />
      <EnvRows form={form} />
      <MountRows form={form} host={host} />
      <LimitFields form={form} />
      {form.more ? (
        <MoreFields form={form} config={config} />
      ) : (
        <Button tone="ghost" className="run-more" onClick={form.showMore}>
          {t('run.more')}
        </Button>
      )}
    </FormSheet>
  );
}
