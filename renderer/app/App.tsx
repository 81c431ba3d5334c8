import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useLayoutEffect } from 'react';
import type { AppInfo } from '../../electron/ipc/contract.ts';
import { ContainersPage } from '../features/containers/index.ts';
import { TunnelOffers } from '../features/tunnels/index.ts';
import { queryClient } from '../lib/client.ts';
import { i18n, resolveLanguage } from '../lib/i18n.ts';
import { type Page, useRoute } from '../lib/route.ts';
import { useScreen } from '../lib/screen.ts';
import { resolveTheme, useSettings } from '../lib/settings.ts';
import { QuestionHost } from '../ui/Question.tsx';
import { Toaster } from '../ui/Toaster.tsx';
import { Tooltip } from '../ui/Tooltip.tsx';
import { Banners } from './Banners.tsx';
import { Dialogs, loadPalette } from './Dialogs.tsx';
import './frame.css';
import { onKeyDown } from './keyboard.ts';
import { LeavingDialog } from './Leaving.tsx';
import { Rail } from './Rail.tsx';
import { StatusBar } from './StatusBar.tsx';

// What the first screen does not need comes after it.
const ImagesPage = lazy(() => import('../features/images/index.ts').then((m) => ({ default: m.ImagesPage })));
const VolumesPage = lazy(() => import('../features/volumes/index.ts').then((m) => ({ default: m.VolumesPage })));
const NetworksPage = lazy(() => import('../features/networks/index.ts').then((m) => ({ default: m.NetworksPage })));
const HostsPage = lazy(() => import('../features/hosts/index.ts').then((m) => ({ default: m.HostsPage })));
const BinPage = lazy(() => import('../features/bin/index.ts').then((m) => ({ default: m.BinPage })));
const SettingsPage = lazy(() => import('../features/settings/index.ts').then((m) => ({ default: m.SettingsPage })));
const Dock = lazy(() => import('./Dock.tsx').then((m) => ({ default: m.Dock })));

const later = {
  images: ImagesPage,
  volumes: VolumesPage,
  networks: NetworksPage,
  hosts: HostsPage,
  bin: BinPage,
  settings: SettingsPage,
} as const;

function PageOf({ page }: { page: Page }) {
  if (page === 'containers') return <ContainersPage />;
  const Later = later[page];
  return (
    <Suspense fallback={<div className="page" />}>
      <Later />
    </Suspense>
  );
}

function useAppearance(locale: string): void {
  const { theme, density, language } = useSettings();
  useLayoutEffect(() => {
    const root = document.documentElement;
    const apply = () => {
      root.dataset.theme = resolveTheme(theme);
      root.dataset.density = density;
    };
    apply();
    const query = window.matchMedia('(prefers-color-scheme: dark)');
    query.addEventListener('change', apply);
    return () => query.removeEventListener('change', apply);
  }, [theme, density]);
  useLayoutEffect(() => {
    const next = resolveLanguage(language, locale);
    document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en';
    if (i18n.language !== next) void i18n.changeLanguage(next);
  }, [language, locale]);
}

function Frame({ info }: { info: AppInfo }) {
  const route = useRoute();
  const { railFolded } = useSettings();
  const dockOpen = useScreen((s) => s.dockOpen);
  useAppearance(info.locale);
  // What is typed right after Ctrl+K belongs to the palette: it must not come later than that.
  useEffect(() => {
    const idle = requestIdleCallback(() => void loadPalette());
    return () => cancelIdleCallback(idle);
  }, []);
  useEffect(() => {
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
  return (
    <div className="frame">
      <div className="frame-top">
        <Rail folded={railFolded} />
        <div className="frame-main">
          <Banners />
          <TunnelOffers />
          <PageOf page={route.page} />
          {dockOpen && (
            <Suspense>
              <Dock />
            </Suspense>
          )}
        </div>
      </div>
      <StatusBar />
      <Dialogs />
      <QuestionHost />
      <LeavingDialog />
      <Toaster />
      <Tooltip />
    </div>
  );
}

export function App({ info }: { info: AppInfo }) {
  return (
    <QueryClientProvider client={queryClient}>
      <Frame info={info} />
    </QueryClientProvider>
  );
}
