import type { Settings } from '../ipc/contract.ts';
import type { JsonFile } from '../store/json-file.ts';

export const firstSettings: Settings = {
  theme: 'system',
  language: 'system',
  density: 'normal',
  terminalFontSize: 13,
  selectedHost: 'all',
  railFolded: false,
};

/** The user's settings: in memory, every change on disk. */
export class SettingsStore {
  readonly #file: JsonFile<Settings>;
  readonly #onChange: (settings: Settings) => void;
  #settings = firstSettings;

  constructor(file: JsonFile<Settings>, onChange: (settings: Settings) => void) {
    this.#file = file;
    this.#onChange = onChange;
  }

  /** @returns where a damaged file was moved to, if there was one */
  async load(): Promise<string | undefined> {
    const { value, damaged } = await this.#file.read(firstSettings);
    this.#settings = { ...firstSettings, ...value };
    return damaged;
  }

  get(): Settings {
    return this.#settings;
  }

  async set(change: Partial<Settings>): Promise<Settings> {
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    this.#settings = { ...this.#settings, ...given };
    this.#onChange(this.#settings);
    await this.#file.write(this.#settings);
    return this.#settings;
  }
}
