import type { TransferFailure as Reason } from '../ipc/contract.ts';

/** A failure that the app has a text for in each language. `message` is for the log, and for what knows no languages. */
export class TransferFailure extends Error {
  readonly reason: Reason;
  constructor(code: Reason['code'], values: Record<string, string>, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TransferFailure';
    this.reason = { code, values };
  }
}
