import type { MessagePortMain } from 'electron';
import type { StreamDown } from '../ipc/contract.ts';

/** One end of a MessagePort, as terminals and logs need it; tests give their own. */
export interface StreamPort {
  post(message: StreamDown): void;
  /** `onMessage` gets what a page sent: not to be trusted. */
  listen(onMessage: (message: unknown) => void, onClose: () => void): void;
  close(): void;
}

export function portOf(port: MessagePortMain): StreamPort {
  return {
    post: (message) => port.postMessage(message),
    listen: (onMessage, onClose) => {
      port.on('message', (event) => onMessage(event.data));
      port.on('close', onClose);
      port.start();
    },
    close: () => port.close(),
  };
}

/** What a view may send, checked. Undefined for anything else. */
export type Up =
  | { t: 'credit'; bytes: number }
  | { t: 'data'; data: Uint8Array }
  | { t: 'resize'; cols: number; rows: number }
  | { t: 'close' };

export function checkUp(message: unknown): Up | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { t, bytes, data, cols, rows } = message as Record<string, unknown>;
  if (t === 'close') return { t };
  if (t === 'credit' && typeof bytes === 'number' && bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER) return { t, bytes };
  if (t === 'data' && data instanceof Uint8Array) return { t, data };
  if (t === 'resize' && isSize(cols) && isSize(rows)) return { t, cols, rows };
  return undefined;
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1000;
}
