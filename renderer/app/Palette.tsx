import { useQueries, useQuery } from '@tanstack/react-query';
import { Command } from 'cmdk';
import {
  Box,
  Download,
  HardDrive,
  Keyboard,
  Languages,
  Layers,
  Moon,
  Network,
  PanelBottom,
  PanelLeft,
  Play,
  Plus,
  RotateCw,
  ScrollText,
  Server,
  SquareTerminal,
  Sun,
} from 'lucide-react';
import { Dialog } from 'radix-ui';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { openContainer, stateText, useContainers } from '../features/containers/index.ts';
import { openStarter, starterHost } from '../features/start/index.ts';
import { gantry } from '../lib/bridge.ts';
import { explain } from '../lib/explain.ts';
import { imagesQuery, networksQuery, useHosts, volumesQuery } from '../lib/queries.ts';
import { navigate, pages } from '../lib/route.ts';
import { closeDialog, openDialog, toggleDock } from '../lib/screen.ts';
import { changeSettings, currentSettings, resolveTheme } from '../lib/settings.ts';
import { toast } from '../lib/toast.ts';
import { Kbd } from '../ui/Kbd.tsx';
import { useReturnFocus } from '../ui/return-focus.ts';
import { StopIcon } from '../ui/StopIcon.ts';
import { pageIcons } from './pages.ts';
import { runPaletteAction } from './palette-actions.ts';
import './palette.css';

const shownAtOnce = 60;

function recent(): string[] {
  const value = currentSettings()['ui.recent'];
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : [];
}

/** Pages, actions, and the containers, images and volumes of all hosts; what was used last comes first. */
export function Palette() {
  const { t, i18n } = useTranslation();
  const [text, setText] = useState('');
  const hosts = useHosts();
  const { rows } = useContainers(hosts);
  const images = useQueries({ queries: hosts.map(imagesQuery) });
  const volumes = useQueries({ queries: hosts.map(volumesQuery) });
  const networks = useQueries({ queries: hosts.map(networksQuery) });
  const [used] = useState(recent);
  const many = hosts.length > 1;
  const returnFocus = useReturnFocus();
  const info = useQuery({ queryKey: ['app'], queryFn: () => gantry().app.info() }).data;
  const starter = starterHost(hosts, info);

  const actions = [
    ...pages.map((page, i) => ({
      id: `page:${page}`,
      label: t(`page.${page}`),
      icon: pageIcons[page],
      keys: page === 'settings' ? 'Mod+,' : `Mod+${i + 1}`,
      run: () => navigate({ page }),
    })),
    ...(starter
      ? [
          {
            id: 'starter',
            label: t('start.run'),
            icon: Box,
            keys: '',
            run: () =>
              void openStarter(starter).catch((error: unknown) =>
                toast({ tone: 'error', title: t('start.failed'), text: explain(error).message }),
              ),
          },
        ]
      : []),
    { id: 'run', label: t('palette.run'), icon: Play, keys: '', run: () => openDialog({ type: 'run' }) },
    { id: 'pull', label: t('palette.pull'), icon: Download, keys: '', run: () => openDialog({ type: 'pull' }) },
    { id: 'create-volume', label: t('palette.createVolume'), icon: HardDrive, keys: '', run: () => openDialog({ type: 'create-volume' }) },
    { id: 'create-network', label: t('palette.createNetwork'), icon: Network, keys: '', run: () => openDialog({ type: 'create-network' }) },
    { id: 'add-host', label: t('hosts.add'), icon: Plus, keys: '', run: () => openDialog({ type: 'add-host' }) },
    {
      id: 'theme',
      label: t('palette.theme'),
      icon: resolveTheme(currentSettings().theme) === 'dark' ? Sun : Moon,
      keys: '',
      run: () => changeSettings({ theme: resolveTheme(currentSettings().theme) === 'dark' ? 'light' : 'dark' }),
    },
    {
      id: 'language',
      label: i18n.language === 'zh' ? 'English' : '简体中文',
      icon: Languages,
      keys: '',
      run: () => changeSettings({ language: i18n.language === 'zh' ? 'en' : 'zh' }),
    },
    { id: 'dock', label: t('dock.toggle'), icon: PanelBottom, keys: 'Mod+`', run: toggleDock },
    {
      id: 'rail',
      label: t('palette.rail'),
      icon: PanelLeft,
      keys: '',
      run: () => changeSettings({ railFolded: !currentSettings().railFolded }),
    },
    { id: 'shortcuts', label: t('settings.shortcuts'), icon: Keyboard, keys: '?', run: () => openDialog({ type: 'shortcuts' }) },
  ];
  // Only when looked for: the list without a word stays short.
  const hostActions = hosts.flatMap(({ id, name }) => [
    {
      id: `host:${id}`,
      label: t('palette.host', { name }),
      icon: Server,
      keys: '',
      run: () => navigate({ page: 'hosts', detail: { host: id, id: 'about' } }),
    },
    {
      id: `host-shell:${id}`,
      label: t('palette.hostShell', { name }),
      icon: SquareTerminal,
      keys: '',
      run: () => navigate({ page: 'hosts', detail: { host: id, id: 'about', tab: 'shell' } }),
    },
  ]);
  const choose = (id: string, run: () => void) => {
    changeSettings({ 'ui.recent': [id, ...used.filter((u) => u !== id)].slice(0, 8) });
    closeDialog();
    run();
  };
  const needle = text.toLowerCase();
  const hit = (label: string) => needle.split(/\s+/).every((word) => label.toLowerCase().includes(word));
  const byName = [...rows].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const containers = byName.filter((row) => hit(`${row.name} ${row.image} ${row.host.name}`)).slice(0, shownAtOnce);
  const verbs =
    needle.includes(' ') || needle.length > 2
      ? byName
          .flatMap((row) => {
            const list = [
              { id: row.running ? 'stop' : 'start', icon: row.running ? StopIcon : Play },
              { id: 'restart', icon: RotateCw },
              { id: 'logs', icon: ScrollText },
              ...(row.running ? [{ id: 'shell', icon: SquareTerminal }] : []),
            ];
            return list.map((verb) => ({ ...verb, row, label: `${t(`action.${verb.id}`)} ${row.name}` })).filter((v) => hit(v.label));
          })
          .slice(0, 12)
      : [];
  const imageItems = [
    ...new Map(
      hosts.flatMap((host, i) =>
        (images[i]?.data ?? []).flatMap((image) => (image.RepoTags ?? []).map((tag) => [`${host.id}/${tag}`, { host, tag }] as const)),
      ),
    ).values(),
  ]
    .filter(({ tag, host }) => tag !== '<none>:<none>' && hit(`${tag} ${host.name}`))
    .slice(0, shownAtOnce);
  const volumeItems = needle
    ? hosts
        .flatMap((host, i) => (volumes[i]?.data ?? []).map(({ Name }) => ({ host, name: Name })))
        .filter(({ host, name }) => hit(`${name} ${host.name}`))
        .slice(0, shownAtOnce)
    : [];
  const networkItems = needle
    ? hosts
        .flatMap((host, i) => (networks[i]?.data ?? []).map(({ Id, Name }) => ({ host, id: Id, name: Name })))
        .filter(({ host, name }) => hit(`${name} ${host.name}`))
        .slice(0, shownAtOnce)
    : [];
  const matching = (needle ? [...actions, ...hostActions] : actions).filter((a) => hit(a.label));
  const known = new Map<string, { label: string; icon: typeof Box; run: () => void }>([
    ...[...actions, ...hostActions].map((a) => [a.id, a] as const),
    ...rows.map((row) => [`container:${row.key}`, { label: row.name, icon: Box, run: () => openContainer(row) }] as const),
  ]);
  const recents = needle
    ? []
    : used
        .flatMap((id) => (known.has(id) ? [{ id, ...(known.get(id) as { label: string; icon: typeof Box; run: () => void }) }] : []))
        .slice(0, 5);

  return (
    <Dialog.Root open onOpenChange={(open) => !open && closeDialog()}>
      <Dialog.Portal>
        <Dialog.Overlay className="veil" />
        <Dialog.Content className="palette" aria-describedby={undefined} data-testid="palette" onCloseAutoFocus={returnFocus}>
          <Dialog.Title className="sr-only">{t('palette.open')}</Dialog.Title>
          <Command shouldFilter={false} loop label={t('palette.open')}>
            <Command.Input
              autoFocus
              value={text}
              onValueChange={setText}
              placeholder={t('palette.placeholder')}
              data-testid="palette-input"
            />
            <Command.List>
              <Command.Empty>{t('palette.nothing')}</Command.Empty>
              {recents.length > 0 && (
                <Command.Group heading={t('palette.recent')}>
                  {recents.map((item) => (
                    <Item
                      key={item.id}
                      id={`recent:${item.id}`}
                      icon={item.icon}
                      label={item.label}
                      onChoose={() => choose(item.id, item.run)}
                    />
                  ))}
                </Command.Group>
              )}
              {matching.length > 0 && (
                <Command.Group heading={t('palette.actions')}>
                  {matching.map((a) => (
                    <Item key={a.id} id={a.id} icon={a.icon} label={a.label} keys={a.keys} onChoose={() => choose(a.id, a.run)} />
                  ))}
                </Command.Group>
              )}
              {containers.length > 0 && (
                <Command.Group heading={t('page.containers')}>
                  {containers.map((row) => (
                    <Item
                      key={row.key}
                      id={`container:${row.key}`}
                      icon={Box}
                      label={row.name}
                      note={`${stateText(row.state)}${many ? ` · ${row.host.name}` : ''}`}
                      tone={row.state.tone}
                      onChoose={() => choose(`container:${row.key}`, () => openContainer(row))}
                    />
                  ))}
                </Command.Group>
              )}
              {verbs.length > 0 && (
                <Command.Group heading={t('palette.verbs')}>
                  {verbs.map((v) => (
                    <Item
                      key={`${v.id}:${v.row.key}`}
                      id={`${v.id}:${v.row.key}`}
                      icon={v.icon}
                      label={v.label}
                      note={many ? v.row.host.name : ''}
                      onChoose={() => choose(`container:${v.row.key}`, () => runPaletteAction(v.id, v.row))}
                    />
                  ))}
                </Command.Group>
              )}
              {imageItems.length > 0 && (
                <Command.Group heading={t('page.images')}>
                  {imageItems.map(({ host, tag }) => (
                    <Item
                      key={`${host.id}/${tag}`}
                      id={`image:${host.id}/${tag}`}
                      icon={Layers}
                      label={tag}
                      note={many ? host.name : ''}
                      onChoose={() =>
                        choose(`image:${host.id}/${tag}`, () => navigate({ page: 'images', detail: { host: host.id, id: tag } }))
                      }
                    />
                  ))}
                </Command.Group>
              )}
              {networkItems.length > 0 && (
                <Command.Group heading={t('page.networks')}>
                  {networkItems.map(({ host, id, name }) => (
                    <Item
                      key={`${host.id}/${id}`}
                      id={`network:${host.id}/${id}`}
                      icon={Network}
                      label={name}
                      note={many ? host.name : ''}
                      onChoose={() =>
                        choose(`network:${host.id}/${id}`, () => navigate({ page: 'networks', detail: { host: host.id, id } }))
                      }
                    />
                  ))}
                </Command.Group>
              )}
              {volumeItems.length > 0 && (
                <Command.Group heading={t('page.volumes')}>
                  {volumeItems.map(({ host, name }) => (
                    <Item
                      key={`${host.id}/${name}`}
                      id={`volume:${host.id}/${name}`}
                      icon={HardDrive}
                      label={name}
                      note={many ? host.name : ''}
                      onChoose={() =>
                        choose(`volume:${host.id}/${name}`, () => navigate({ page: 'volumes', detail: { host: host.id, id: name } }))
                      }
                    />
                  ))}
                </Command.Group>
              )}
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Item({
  id,
  icon: Icon,
  label,
  note,
  keys,
  tone,
  onChoose,
}: {
  id: string;
  icon: typeof Box;
  label: string;
  note?: string;
  keys?: string;
  tone?: string;
  onChoose: () => void;
}) {
  return (
    <Command.Item value={id} onSelect={onChoose}>
      <Icon size={15} strokeWidth={1.8} aria-hidden />
      <span className="truncate">{label}</span>
      {note && <span className={`palette-note ${tone ? `badge ${tone}` : ''}`}>{note}</span>}
      {keys && <Kbd keys={keys} />}
    </Command.Item>
  );
}
