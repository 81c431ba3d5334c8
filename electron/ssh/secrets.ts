/** Passwords and passphrases, by what they are for (`password ada@nas:22`, `passphrase /home/ada/.ssh/id_rsa`). */
export interface Secrets {
  /** Whether `remember` keeps them beyond the end of the app. */
  readonly durable: boolean;
  get(name: string): Promise<string | undefined>;
  /** Kept in memory, so that a lost connection comes back by itself; with `remember` also in the system's keychain. */
  put(name: string, value: string, remember: boolean): Promise<void>;
  forget(name: string): Promise<void>;
}
