import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { Settings } from '../../electron/ipc/contract.ts';
import en from '../locales/en.json' with { type: 'json' };
import zh from '../locales/zh.json' with { type: 'json' };

/** The language that is on the screen for a setting and the system's language tag. */
export function resolveLanguage(setting: Settings['language'], locale: string): 'en' | 'zh' {
  if (setting !== 'system') return setting;
  return locale.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export async function startI18n(language: 'en' | 'zh'): Promise<void> {
  await i18n.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    resources: { en: { translation: en }, zh: { translation: zh } },
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false },
    returnNull: false,
  });
}

/** Text outside of components (toasts, menus built by functions). */
export function tr(key: string, values?: Record<string, unknown>): string {
  return i18n.t(key, values ?? {});
}
export { i18n };
