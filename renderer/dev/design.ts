import type { Settings } from '../../electron/ipc/contract.ts';
import { installEngine } from './fake-engine.ts';
import { fakeGantry } from './fake-gantry.ts';
import { hostList } from './fixtures.ts';

const query = new URLSearchParams(location.search);
const number = (name: string) => (query.has(name) ? Number(query.get(name)) : undefined);
const settings: Settings = {
  theme: query.get('theme') === 'dark' ? 'dark' : 'light',
  language: query.get('lang') === 'zh' ? 'zh' : 'en',
  density: query.get('density') === 'dense' ? 'dense' : 'normal',
  terminalFontSize: 13,
  selectedHost: 'all',
  railFolded: query.has('folded'),
  ...(query.has('wrap') ? { 'ui.logWrap': true } : {}),
  ...(query.has('times') ? { 'ui.logTimes': true } : {}),
};

installEngine({ containers: number('containers'), slow: number('slow') ?? 0, fail: query.get('fail') ?? '' });
window.gantry = fakeGantry(settings, hostList(number('hosts') ?? 2, query.get('host') ?? 'connected'), number('log') ?? 300);
if (query.has('parts')) await import('./parts.tsx');
else await import('../main.tsx');
