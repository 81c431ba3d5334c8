import type { InstallAction } from './install.ts';
import type { TransferKind } from './transfer.ts';

export interface Settings {
  theme: 'system' | 'light' | 'dark';
  language: 'system' | 'en' | 'zh';
  density: 'normal' | 'dense';
  terminalFontSize: number;
  selectedHost: string | 'all';
  railFolded: boolean;
  [ui: `ui.${string}`]: unknown;
}

export interface AppInfo {
  version: string;
  electron: string;
  platform: string;
  /** The system's language tag, such as zh-CN. */
  locale: string;
  /** The walk-through of `npm start -- --demo`. */
  demo: boolean;
  /** Where the starter image's archive lies, if it was built. */
  starterImage: { reference: string; available: boolean };
}

/** What would end with the app: it asks before. */
export type UnderWay =
  /** `names`: of what has not arrived yet. */
  | { kind: 'transfer'; thing: TransferKind; names: string[]; to: string; move: boolean }
  | { kind: 'install'; action: InstallAction; machine: string };

export type Unsubscribe = () => void;
