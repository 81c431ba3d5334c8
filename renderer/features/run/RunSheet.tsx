import { useQuery } from '@tanstack/react-query';
import { ClipboardPaste, FolderOpen, Play, Plus, X } from 'lucide-react';
import { type ReactNode, useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { ask } from '../../lib/confirm.ts';
import { EngineError } from '../../lib/engine.ts';
import { type Explanation, explain } from '../../lib/explain.ts';
import { freePort, heldPorts, suggestedPort } from '../../lib/host-ports.ts';
import { containersQuery, imagesQuery, useHosts, useImage, useShownHosts, useVolumes } from '../../lib/queries.ts';
import { navigate } from '../../lib/route.ts';
import { closeDialog } from '../../lib/screen.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field, TextInput } from '../../ui/Field.tsx';
import { ErrorPanel } from '../../ui/Panels.tsx';
import { Select } from '../../ui/Select.tsx';
import { cancelPull, PullProgress, usePulls } from '../activity/index.ts';
import { CommandPane } from './CommandPane.tsx';
import { emptySpec, parseRun, quoteWords, type RunSpec, runLines, splitWords } from './command.ts';
import './run.css';
import { runContainer } from './submit.ts';
import { fieldOf, type Problem, validate } from './validate.ts';

const noHost: Host = { id: '', name: '', colour: 'grey', kind: 'local', state: { status: 'connecting' } };

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
  const hosts = useHosts().filter((h) => h.state.status === 'connected');
  const shown = useShownHosts();
  const [chosen, setHost] = useState(initialHost);
  // Not decided at opening: the host may become connected while the form is filled in.
  const hostId = chosen ?? shown.find((h) => h.state.status === 'connected')?.id ?? hosts[0]?.id ?? '';
  const host = hosts.find((h) => h.id === hostId) ?? noHost;
  const [spec, setSpec] = useState<RunSpec>(() => ({
    ...structuredClone(emptySpec),
    image: image ?? '',
    ...(line ? parseRun(line).spec : {}),
  }));
  const [commandText, setCommandText] = useState(() => quoteWords(spec.command));
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [pullId, setPullId] = useState<string | null>(null);
  const pull = usePulls((s) => s.pulls.find((p) => p.id === pullId));
  const [refusal, setRefusal] = useState<(Explanation & { field: string | undefined }) | null>(null);
  const [ignored, setIgnored] = useState<string[]>([]);
  const [more, setMore] = useState(false);
  const listId = useId();

  const containers = useQuery(containersQuery(host)).data?.containers;
  const images = useQuery(imagesQuery(host)).data;
  const volumes = useVolumes(host.id, spec.mounts.length > 0);
  const known = (images ?? []).flatMap((i) => (i.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>'));
  const isLocal =
    known.includes(spec.image) ||
    known.includes(`${spec.image}:latest`) ||
    (images ?? []).some((i) => spec.image.length >= 12 && i.Id.replace('sha256:', '').startsWith(spec.image));
  const config = useImage(host.id, isLocal ? spec.image : '').data?.Config;
  const problems = useMemo(() => validate(spec, containers ?? []), [spec, containers]);
  const dirty = JSON.stringify({ ...spec, image: '' }) !== JSON.stringify(emptySpec) || (spec.image !== '' && spec.image !== image);

  // Ports of the image that the form has no row for yet: offered with a free host port as soon as the image is known.
  const [offered, setOffered] = useState('');
  if (config && containers && offered !== `${host.id}/${spec.image}`) {
    setOffered(`${host.id}/${spec.image}`);
    const taken = new Map<number, unknown>([...heldPorts(containers), ...spec.ports.map((p) => [Number(p.host), ''] as const)]);
    const rows = Object.keys(config.ExposedPorts ?? {}).flatMap((key) => {
      const [container = '', protocol] = key.split('/');
      if (spec.ports.some((p) => p.container === container)) return [];
      const port = freePort(taken, suggestedPort(Number(container)));
      taken.set(port, '');
      return [{ ip: '', host: String(port), container, protocol: protocol === 'udp' ? ('udp' as const) : ('tcp' as const) }];
    });
    if (rows.length > 0) setSpec({ ...spec, ports: [...spec.ports, ...rows] });
  }

  const set = (change: Partial<RunSpec>) => {
    setSpec((now) => ({ ...now, ...change }));
    setRefusal(null);
  };
  const touch = (field: string) => setTouched((now) => new Set(now).add(field));
  /** A field's problem in words, once it makes sense to say it. */
  const error = (field: string, fix?: (value: string) => void): ReactNode => {
    if (refusal?.field === field) return refusal.remedy ? `${refusal.message} ${refusal.remedy}` : refusal.message;
    const problem: Problem | undefined = problems[field];
    // What is held or wrong is said while typing; what is only missing, after the field was left or the form sent.
    if (!problem || (problem.key.endsWith('Missing') && !tried && !touched.has(field))) return undefined;
    return (
      <>
        {t(`run.${problem.key}`, problem.values ?? {})}{' '}
        {problem.fix !== undefined && fix && (
          <button type="button" className="fix" onClick={() => fix(problem.fix ?? '')}>
            {t('run.use', { value: problem.fix })}
          </button>
        )}
      </>
    );
  };
  const row = <K extends 'ports' | 'env' | 'mounts'>(list: K, i: number, change: Partial<RunSpec[K][number]>) =>
    set({ [list]: spec[list].map((item, n) => (n === i ? { ...item, ...change } : item)) } as Partial<RunSpec>);
  const drop = (list: 'ports' | 'env' | 'mounts', i: number) =>
    set({ [list]: (spec[list] as unknown[]).filter((_, n) => n !== i) } as Partial<RunSpec>);

  const submit = async () => {
    setTried(true);
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
  const close = async () => {
    if (
      dirty &&
      !busy &&
      !(await ask({ title: t('run.discardTitle'), text: t('run.discardText'), verb: t('run.discard'), danger: true })).yes
    )
      return;
    closeDialog();
  };
  const paste = (text: string): boolean => {
    try {
      const parsed = parseRun(text);
      setSpec(parsed.spec);
      setCommandText(quoteWords(parsed.spec.command));
      setIgnored(parsed.ignored);
      setRefusal(null);
      if (parsed.spec.entrypoint || parsed.spec.user || parsed.spec.workdir || parsed.spec.hostname) setMore(true);
      return true;
    } catch {
      return false;
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

  return (
    <Dialog
      kind="sheet"
      title={t('run.title')}
      width={920}
      testId="run-sheet"
      onClose={() => void close()}
      footer={
        <>
          {pull ? (
            <span className="grow dim">{t('run.pulling', { image: spec.image })}</span>
          ) : (
            !isLocal && spec.image.trim() && images && <span className="grow dim">{t('run.willPull')}</span>
          )}
          <Button onClick={() => (pullId ? cancelPull(pullId) : void close())}>{t('action.cancel')}</Button>
          <Button tone="primary" icon={Play} busy={busy} disabled={host.id === ''} data-testid="run-submit" onClick={() => void submit()}>
            {t('action.run')}
          </Button>
        </>
      }
    >
      <form
        className="run-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {pull && <PullProgress pull={pull} />}
        {refusal && (refusal.field === undefined || !shownFields.includes(refusal.field)) && (
          <div className="flush">
            <ErrorPanel title={t('run.failed')} {...refusal} />
          </div>
        )}
        {hosts.length > 1 && (
          <Field label={t('column.host')}>
            {({ id }) => (
              <Select
                id={id}
                label={t('column.host')}
                value={hostId}
                onChange={setHost}
                choices={hosts.map((h) => ({ value: h.id, label: h.name, swatch: `var(--host-${h.colour})` }))}
              />
            )}
          </Field>
        )}
        <div className="form-row">
          <Field label={t('column.image')} error={error('image')}>
            {(f) => (
              <TextInput
                id={f.id}
                aria-describedby={f.describedBy}
                invalid={f.invalid}
                mono
                autoFocus={!image}
                data-testid="run-image"
                list={`${listId}-images`}
                placeholder="nginx:1.27"
                value={spec.image}
                onBlur={() => touch('image')}
                onPaste={(event) => {
                  if (paste(event.clipboardData.getData('text'))) event.preventDefault();
                }}
                onChange={(value) => set({ image: value.trim() })}
              />
            )}
          </Field>
          <Field label={t('column.name')} error={error('name', (value) => set({ name: value }))}>
            {(f) => (
              <TextInput
                id={f.id}
                aria-describedby={f.describedBy}
                invalid={f.invalid}
                mono
                data-testid="run-name"
                placeholder={t('run.namePlaceholder')}
                value={spec.name}
                onChange={(value) => set({ name: value })}
              />
            )}
          </Field>
        </div>
        <datalist id={`${listId}-images`}>
          {known.map((tag) => (
            <option key={tag} value={tag} />
          ))}
        </datalist>
        <Field
          label={t('run.command')}
          error={error('command')}
          hint={
            config ? t('run.commandHint', { command: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].join(' ') || '–' }) : undefined
          }
        >
          {(f) => (
            <TextInput
              id={f.id}
              aria-describedby={f.describedBy}
              invalid={f.invalid}
              mono
              data-testid="run-command"
              value={commandText}
              onChange={(value) => {
                setCommandText(value);
                set({ command: splitWords(value) });
              }}
            />
          )}
        </Field>
        <div className="run-checks">
          <Checkbox checked={spec.tty && spec.interactive} onChange={(on) => set({ tty: on, interactive: on })} label={t('run.tty')} />
          <Checkbox checked={spec.autoRemove} onChange={(on) => set({ autoRemove: on })} label={t('run.autoRemove')} />
        </div>

        <Rows
          label={t('run.ports')}
          add={t('run.addPort')}
          onAdd={() => set({ ports: [...spec.ports, { ip: '', host: '', container: '', protocol: 'tcp' }] })}
        >
          {spec.ports.map((port, i) => (
            <Row
              // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
              key={i}
              onDrop={() => drop('ports', i)}
              error={error(`ports.${i}.host`, (value) => row('ports', i, { host: value })) ?? error(`ports.${i}.container`)}
            >
              <TextInput
                mono
                aria-label={t('run.hostPort')}
                placeholder={t('run.hostPort')}
                inputMode="numeric"
                data-testid={`run-port-host-${i}`}
                invalid={error(`ports.${i}.host`) !== undefined}
                value={port.host}
                onChange={(value) => row('ports', i, { host: value })}
              />
              <span className="dim">→</span>
              <TextInput
                mono
                aria-label={t('run.containerPort')}
                placeholder={t('run.containerPort')}
                inputMode="numeric"
                data-testid={`run-port-container-${i}`}
                invalid={error(`ports.${i}.container`) !== undefined}
                value={port.container}
                onChange={(value) => row('ports', i, { container: value })}
              />
              <div className="run-protocol">
                <Select
                  label={t('run.protocol')}
                  value={port.protocol}
                  onChange={(value) => row('ports', i, { protocol: value === 'udp' ? 'udp' : 'tcp' })}
                  choices={[
                    { value: 'tcp', label: 'tcp' },
                    { value: 'udp', label: 'udp' },
                  ]}
                />
              </div>
            </Row>
          ))}
        </Rows>

        <Rows label={t('run.env')} add={t('run.addEnv')} onAdd={() => set({ env: [...spec.env, { name: '', value: '' }] })}>
          {spec.env.map((env, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
            <Row key={i} onDrop={() => drop('env', i)} error={error(`env.${i}.name`)}>
              <TextInput
                mono
                aria-label={t('run.envName')}
                placeholder="NAME"
                data-testid={`run-env-name-${i}`}
                value={env.name}
                onChange={(value) => row('env', i, { name: value })}
                onPaste={(event) => {
                  const pasted = event.clipboardData
                    .getData('text')
                    .split(/\r?\n/)
                    .map((l) => /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)=(.*)$/.exec(l))
                    .filter((m) => m !== null)
                    .map((m) => ({ name: m[1] ?? '', value: (m[2] ?? '').replace(/^(["'])(.*)\1$/, '$2') }));
                  if (pasted.length === 0) return;
                  event.preventDefault();
                  set({ env: [...spec.env.slice(0, i), ...pasted, ...spec.env.slice(i + 1)] });
                }}
              />
              <span className="dim">=</span>
              <TextInput
                mono
                aria-label={t('run.envValue')}
                placeholder={t('run.envValue')}
                data-testid={`run-env-value-${i}`}
                value={env.value}
                onChange={(value) => row('env', i, { value })}
              />
            </Row>
          ))}
        </Rows>

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
                  list={`${listId}-volumes`}
                  data-testid={`run-mount-source-${i}`}
                  value={mount.source}
                  onChange={(value) => row('mounts', i, { source: value })}
                />
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
        <datalist id={`${listId}-volumes`}>
          {(volumes.data ?? []).map((v) => (
            <option key={v.Name} value={v.Name} />
          ))}
        </datalist>

        <div className="form-row">
          <Field label={t('run.restart')} error={error('restart')}>
            {({ id }) => (
              <Select
                id={id}
                label={t('run.restart')}
                testId="run-restart"
                value={spec.restart}
                onChange={(value) => set({ restart: value as RunSpec['restart'] })}
                choices={(['no', 'on-failure', 'unless-stopped', 'always'] as const).map((value) => ({
                  value,
                  label: t(`restart.${value}`),
                }))}
              />
            )}
          </Field>
          <Field label={t('run.memory')} error={error('memory')}>
            {(f) => (
              <TextInput
                id={f.id}
                aria-describedby={f.describedBy}
                invalid={f.invalid}
                mono
                data-testid="run-memory"
                placeholder={t('run.unlimited')}
                value={spec.memory}
                onChange={(value) =>
                  set({
                    memory: value
                      .trim()
                      .replace(/\s*([kmgKMG])i?[bB]$/, '$1')
                      .toLowerCase(),
                  })
                }
              />
            )}
          </Field>
          <Field label={t('run.cpus')} error={error('cpus')}>
            {(f) => (
              <TextInput
                id={f.id}
                aria-describedby={f.describedBy}
                invalid={f.invalid}
                mono
                inputMode="decimal"
                data-testid="run-cpus"
                placeholder={t('run.unlimited')}
                value={spec.cpus}
                onChange={(value) => set({ cpus: value.trim() })}
              />
            )}
          </Field>
        </div>
        {more ? (
          <>
            <div className="form-row">
              <Field label={t('run.entrypoint')}>
                {({ id }) => (
                  <TextInput
                    id={id}
                    mono
                    placeholder={(config?.Entrypoint ?? []).join(' ')}
                    value={spec.entrypoint}
                    onChange={(value) => set({ entrypoint: value })}
                  />
                )}
              </Field>
              <Field label={t('run.workdir')}>
                {({ id }) => (
                  <TextInput
                    id={id}
                    mono
                    placeholder={config?.WorkingDir || '/'}
                    value={spec.workdir}
                    onChange={(value) => set({ workdir: value })}
                  />
                )}
              </Field>
            </div>
            <div className="form-row">
              <Field label={t('run.user')}>
                {({ id }) => (
                  <TextInput
                    id={id}
                    mono
                    placeholder={config?.User || 'root'}
                    value={spec.user}
                    onChange={(value) => set({ user: value })}
                  />
                )}
              </Field>
              <Field label={t('run.hostname')}>
                {({ id }) => <TextInput id={id} mono value={spec.hostname} onChange={(value) => set({ hostname: value })} />}
              </Field>
            </div>
          </>
        ) : (
          <Button tone="ghost" className="run-more" onClick={() => setMore(true)}>
            {t('run.more')}
          </Button>
        )}
        <button type="submit" hidden />
      </form>
      <CommandPane lines={runLines(spec)} ignored={ignored} onPaste={paste} icon={ClipboardPaste} />
    </Dialog>
  );
}

function Rows({ label, add, onAdd, children }: { label: string; add: string; onAdd: () => void; children: ReactNode[] }) {
  return (
    <fieldset className="run-rows">
      <legend>{label}</legend>
      {children}
      <Button tone="ghost" icon={Plus} onClick={onAdd}>
        {add}
      </Button>
    </fieldset>
  );
}

function Row({ children, error, onDrop }: { children: ReactNode; error: ReactNode; onDrop: () => void }) {
  const { t } = useTranslation();
  return (
    <div className={`run-row ${error ? 'invalid' : ''}`}>
      <div className="run-row-fields">
        {children}
        <IconButton small icon={X} name={t('run.dropRow')} onClick={onDrop} />
      </div>
      {error && (
        <div className="field-note" role="alert">
          {error}
        </div>
      )}
    </div>
  );
}
