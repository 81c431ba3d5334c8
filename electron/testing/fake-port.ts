import type { LogLine, StreamDown } from '../ipc/contract.ts';
import type { StreamPort } from '../streams/port.ts';

/** A port whose other end is the test. */
export class FakePort implements StreamPort {
  readonly messages: StreamDown[] = [];
  closed = false;
  #onMessage: (message: unknown) => void = () => {};
  #onClose: () => void = () => {};

  post(message: StreamDown): void {
    this.messages.push(message);
  }
  listen(onMessage: (message: unknown) => void, onClose: () => void): void {
    this.#onMessage = onMessage;
    this.#onClose = onClose;
  }
  close(): void {
    this.closed = true;
  }

  send(message: unknown): void {
    this.#onMessage(message);
  }
  /** The page went away. */
  disconnect(): void {
    this.#onClose();
  }
  get lines(): LogLine[] {
    return this.messages.flatMap((message) => (message.t === 'lines' ? message.lines : []));
  }
  get text(): string {
    return Buffer.concat(this.messages.flatMap((message) => (message.t === 'data' ? [message.data] : []))).toString();
  }
}
