import type { StreamDown, StreamUp } from '../../electron/ipc/contract.ts';

/** A stream port of electron/ipc/contract.ts with its messages typed. */
export interface StreamPort {
  send(message: StreamUp): void;
  onMessage(listener: (message: StreamDown) => void): void;
  close(): void;
}

const arrived = new Map<string, MessagePort>();
const awaited = new Map<string, (port: MessagePort) => void>();

/** Collects the ports that the main process sends. A port may come before or after the call that asked for it resolves. */
export function listenForPorts(): void {
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const data = event.data as { type?: unknown; token?: unknown } | null;
    const port = event.ports[0];
    if (data?.type !== 'gantry-port' || typeof data.token !== 'string' || !port) return;
    const waiting = awaited.get(data.token);
    if (waiting) {
      awaited.delete(data.token);
      waiting(port);
    } else {
      arrived.set(data.token, port);
    }
  });
}

/** The port that belongs to a token (terminals.view, logs.open). */
export async function takePort(token: string): Promise<StreamPort> {
  const early = arrived.get(token);
  arrived.delete(token);
  const port = early ?? (await new Promise<MessagePort>((resolve) => awaited.set(token, resolve)));
  return {
    send: (message) => port.postMessage(message),
    onMessage: (listener) => {
      port.onmessage = (event: MessageEvent<StreamDown>) => listener(event.data);
    },
    close: () => {
      port.postMessage({ t: 'close' } satisfies StreamUp);
      port.onmessage = null;
      port.close();
    },
  };
}
