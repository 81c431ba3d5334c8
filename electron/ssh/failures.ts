import { HostFailure } from '../hosts/errors.ts';
import type { HostError } from '../ipc/contract.ts';

/** A failure with a code for the translated text; `message` says the same in English, for logs. */
export function failure(
  code: HostError['code'],
  message: string,
  more: { values?: Record<string, string>; fix?: string; detail?: string; final?: boolean; cause?: unknown } = {},
): HostFailure {
  const { values, fix, detail, final, cause } = more;
  const error = { code, message, ...(values && { values }), ...(fix !== undefined && { fix }), ...(detail !== undefined && { detail }) };
  return new HostFailure(error, { ...(final !== undefined && { final }), cause });
}

/** The user said no, or closed the dialog. */
export const cancelled = () => failure('cancelled', 'Cancelled', { final: true });

/** Text from a host as it may be shown: without control characters and marks that change the direction of reading, and not too long. */
export function shown(text: string, limit = 1000): string {
  // Line ends stay.
  const clean = text.replaceAll(/\r\n?/g, '\n').replaceAll(/[\0-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, '');
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}
