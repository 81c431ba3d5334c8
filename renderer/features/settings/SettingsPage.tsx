import { useQuery } from '@tanstack/react-query';
import { Minus, Plus } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Settings } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { openDialog } from '../../lib/screen.ts';
import { changeSettings, useSettings } from '../../lib/settings.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Page } from '../../ui/Page.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { Select } from '../../ui/Select.tsx';
import './settings.css';

export function SettingsPage() {
  const { t } = useTranslation();
  const settings = useSettings();
  const info = useQuery({ queryKey: ['app'], queryFn: () => gantry().app.info() }).data;
  const size = settings.terminalFontSize;
  return (
    <Page title={t('page.settings')} detailName="settings">
      <div className="settings">
        <h2>{t('settings.look')}</h2>
        <Setting label={t('settings.theme')}>
          <Segmented
            label={t('settings.theme')}
            value={settings.theme}
            onChange={(theme) => changeSettings({ theme: theme as Settings['theme'] })}
            choices={(['system', 'light', 'dark'] as const).map((value) => ({ value, label: t(`theme.${value}`) }))}
          />
        </Setting>
        <Setting label={t('settings.density')} hint={t('settings.densityHint')}>
          <Segmented
            label={t('settings.density')}
            value={settings.density}
            onChange={(density) => changeSettings({ density: density as Settings['density'] })}
            choices={(['normal', 'dense'] as const).map((value) => ({ value, label: t(`density.${value}`) }))}
          />
        </Setting>
        <Setting label={t('settings.language')}>
          <div className="settings-select">
            <Select
              label={t('settings.language')}
              testId="language"
              value={settings.language}
              onChange={(language) => changeSettings({ language: language as Settings['language'] })}
              choices={[
                { value: 'system', label: t('settings.languageSystem') },
                { value: 'en', label: 'English' },
                { value: 'zh', label: '简体中文' },
              ]}
            />
          </div>
        </Setting>
        <h2>{t('settings.terminal')}</h2>
        <Setting label={t('settings.fontSize')}>
          <div className="stepper">
            <IconButton
              small
              icon={Minus}
              name={t('settings.smaller')}
              disabled={size <= 9}
              onClick={() => changeSettings({ terminalFontSize: size - 1 })}
            />
            <span className="num" aria-live="polite">
              {size} px
            </span>
            <IconButton
              small
              icon={Plus}
              name={t('settings.larger')}
              disabled={size >= 24}
              onClick={() => changeSettings({ terminalFontSize: size + 1 })}
            />
          </div>
        </Setting>
        <div className="terminal-sample mono" style={{ fontSize: size }} aria-hidden>
          <span>root@web-1</span>:/# ls -la 容器
        </div>
        <h2>{t('settings.about')}</h2>
        <Setting label="Gantry" hint={t('settings.aboutText')}>
          <span className="dim num select">{info ? `${info.version} · Electron ${info.electron} · ${info.platform}` : ''}</span>
        </Setting>
        <Setting label={t('settings.shortcuts')}>
          <Button onClick={() => openDialog({ type: 'shortcuts' })}>{t('settings.showShortcuts')}</Button>
        </Setting>
      </div>
    </Page>
  );
}

function Setting({ label, hint, children }: { label: string; hint?: string; children: ReactNode }) {
  return (
    <div className="setting">
      <div>
        <div>{label}</div>
        {hint && <div className="dim setting-hint">{hint}</div>}
      </div>
      {children}
    </div>
  );
}
