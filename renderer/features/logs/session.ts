import type { StreamDown } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { type StreamPort, takePort } from '../../lib/stream-ports.ts';
import { LogStore } from './store.ts';

/** Bytes that may be on their way: enough to fill the pipe, little enough to stop a flood. */
const window_ = 2 * 1024 * 1024;
/** A log that nobody looks at stays this long, so that going to another tab and back loses nothing. */
const lingerMs = 120_000;

export type LogState = 'connecting' | 'live' | 'ended' | 'disconnected' | 'error';

/** One container's log: the stream and its lines, outside of React. Views subscribe; they are told at most once a frame. */
export class LogSession {
  readonly store = new LogStore();
  state: LogState = 'connecting';
  message: string | undefined;
  /** Grows with each change, for useSyncExternalStore. */
  version = 0;
  readonly #host: string;
  readonly #id: string;
  #port: StreamPort | undefined;
  #listeners = new Set<() => void>();
  #frame = 0;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  readonly #onClose: () => void;

  constructor(host: string, id: string, onClose: () => void) {
    this.#host = host;
    this.#id = id;
    this.#onClose = onClose;
    void this.#open();
  }

  async #open(): Promise<void> {
    try {
      const token = await gantry().logs.open({ hostId: this.#host, containerId: this.#id, tail: 'all', follow: true, timestamps: true });
      const port = await takePort(token);
      if (this.#closed) return port.close();
      this.#port = port;
      port.onMessage((message) => this.#receive(message));
      port.send({ t: 'credit', bytes: window_ });
      if (this.state === 'connecting') this.#set('live');
    } catch (error) {
      this.message = error instanceof Error ? error.message : String(error);
      this.#set('error');
    }
  }

  #receive(message: StreamDown): void {
    if (message.t === 'lines') {
      this.store.append(message.lines);
      // What was stored may come again: the store is as fast as the pipe.
      this.#port?.send({ t: 'credit', bytes: message.bytes });
      this.#changed();
    } else if (message.t === 'end') {
      this.message = message.message;
      this.#set(message.reason === 'eof' ? 'ended' : message.reason === 'disconnected' ? 'disconnected' : 'error');
    } else if (message.t === 'resumed') this.#set('live');
  }

  #set(state: LogState): void {
    this.state = state;
    this.#changed();
  }

  #changed(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.version++;
      for (const listener of this.#listeners) listener();
    });
  }

  clear(): void {
    this.store.clear();
    this.#changed();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    clearTimeout(this.#linger);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#linger = setTimeout(() => this.close(), lingerMs);
    };
  };
  readonly snapshot = (): number => this.version;

  close(): void {
    this.#closed = true;
    clearTimeout(this.#linger);
    cancelAnimationFrame(this.#frame);
    this.#port?.close();
    this.#onClose();
  }
}

const sessions = new Map<string, LogSession>();

/** The log of a container; the same one for all its views. */
export function logSession(host: string, id: string): LogSession {
  const key = `${host}/${id}`;
  const old = sessions.get(key);
  if (old) return old;
  const session = new LogSession(host, id, () => sessions.delete(key));
  sessions.set(key, session);
  return session;
}

/** Starts a log again that ended (its container was started again). */
export function restartLog(host: string, id: string): LogSession {
  sessions.get(`${host}/${id}`)?.close();
  return logSession(host, id);
}
