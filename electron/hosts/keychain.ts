import * as v from 'valibot';
import type { Secrets } from '../ssh/index.ts';
import type { JsonFile } from '../store/json-file.ts';

/** What this needs of Electron's safeStorage. */
export interface Encryption {
  isEncryptionAvailable(): boolean;
  getSelectedStorageBackend?(): string;
  encryptString(text: string): Buffer;
  decryptString(encrypted: Buffer): string;
}

export const secretsFileSchema = v.object({ version: v.literal(1), secrets: v.record(v.string(), v.string()) });
export type SecretsFile = v.InferOutput<typeof secretsFileSchema>;

/**
 * Passwords and passphrases: in memory while the app runs; beyond that only encrypted with a key from the system's keychain.
 * Without a keychain (safeStorage would fall back to a key that is written in Electron's source) nothing is kept.
 */
export class Keychain implements Secrets {
  readonly #file: JsonFile<SecretsFile>;
  readonly #encryption: Encryption;
  readonly #platform: NodeJS.Platform;
  readonly #memory = new Map<string, string>();
  #stored: Map<string, string> | undefined;

  constructor(file: JsonFile<SecretsFile>, encryption: Encryption, platform: NodeJS.Platform = process.platform) {
    this.#file = file;
    this.#encryption = encryption;
    this.#platform = platform;
  }

  get durable(): boolean {
    if (!this.#encryption.isEncryptionAvailable()) return false;
    if (this.#platform !== 'linux') return true;
    const backend = this.#encryption.getSelectedStorageBackend?.() ?? 'unknown';
    return backend !== 'basic_text' && backend !== 'unknown';
  }

  async get(name: string): Promise<string | undefined> {
    const remembered = this.#memory.get(name);
    if (remembered !== undefined || !this.durable) return remembered;
    const encrypted = (await this.#read()).get(name);
    if (encrypted === undefined) return undefined;
    try {
      return this.#encryption.decryptString(Buffer.from(encrypted, 'base64'));
    } catch {
      // Of another keychain: it is asked for again.
      return undefined;
    }
  }

  async put(name: string, value: string, remember: boolean): Promise<void> {
    this.#memory.set(name, value);
    const stored = await this.#read();
    if (remember && this.durable) stored.set(name, this.#encryption.encryptString(value).toString('base64'));
    // Typed anew and not to be kept: what was kept before is old.
    else if (!stored.delete(name)) return;
    await this.#write(stored);
  }

  async forget(name: string): Promise<void> {
    this.#memory.delete(name);
    const stored = await this.#read();
    if (stored.delete(name)) await this.#write(stored);
  }

  async #read(): Promise<Map<string, string>> {
    if (!this.#stored) {
      const { value } = await this.#file.read({ version: 1, secrets: {} });
      this.#stored ??= new Map(Object.entries(value.secrets));
    }
    return this.#stored;
  }

  #write(stored: Map<string, string>): Promise<void> {
    return this.#file.write({ version: 1, secrets: Object.fromEntries(stored) });
  }
}
