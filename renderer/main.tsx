import '@fontsource-variable/inter';
import '@fontsource-variable/jetbrains-mono';
import './ui/tokens.css';
import './ui/base.css';
import './ui/badge.css';
import { createRoot } from 'react-dom/client';
import { App } from './app/App.tsx';
import { gantry } from './lib/bridge.ts';
import { keys, queryClient } from './lib/client.ts';
import { resolveLanguage, startI18n } from './lib/i18n.ts';
import { startLive } from './lib/live.ts';
import { resolveTheme } from './lib/settings.ts';
import { listenForPorts } from './lib/stream-ports.ts';

listenForPorts();
startLive();

const [info, settings, hosts] = await Promise.all([gantry().app.info(), gantry().settings.get(), gantry().hosts.list()]);
queryClient.setQueryData(['app'], info);
queryClient.setQueryData(['settings'], settings);
queryClient.setQueryData(keys.hosts, hosts);
document.documentElement.dataset.theme = resolveTheme(settings.theme);
document.documentElement.dataset.density = settings.density;
await startI18n(resolveLanguage(settings.language, info.locale));

const root = document.getElementById('root');
if (root) createRoot(root).render(<App info={info} />);
