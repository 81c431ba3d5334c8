import { ask } from './confirm.ts';
import { tr } from './i18n.ts';

/** A yes counts for what else is deleted on the host in one go. */
const COUNTS_MS = 3000;
const confirmed = new Map<string, Promise<boolean>>();

/**
 * Has the user type the name of a host that is marked as production, because something is to be deleted there.
 *
 * @returns whether they did. Requests that come at the same time, or shortly after, share the answer
 */
export function confirmProduction(host: string, name: string): Promise<boolean> {
  const known = confirmed.get(host);
  if (known) return known;
  const asked = ask({
    title: tr('marks.confirmTitle', { name }),
    text: tr('marks.confirmText', { name }),
    typed: { label: tr('marks.confirmLabel', { name }), text: name },
    verb: tr('action.delete'),
    danger: true,
  }).then(({ yes }) => yes);
  confirmed.set(host, asked);
  void asked.then((yes) => setTimeout(() => confirmed.delete(host), yes ? COUNTS_MS : 0));
  return asked;
}
