import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** The app's own log: a file beside the settings. Seldom written, so synchronously, to be complete when something ends hard. */
export function appLog(path: string): (text: string) => void {
  mkdirSync(dirname(path), { recursive: true });
  return (text) => {
    try {
      appendFileSync(path, `${new Date().toISOString()} ${text}\n`, { mode: 0o600 });
    } catch {
      // A full disk must not end the app.
    }
  };
}
