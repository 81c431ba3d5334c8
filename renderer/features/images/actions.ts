import { keys, queryClient } from '../../lib/client.ts';
import { ask } from '../../lib/confirm.ts';
import { EngineError, engineSend } from '../../lib/engine.ts';
import { explain } from '../../lib/explain.ts';
import { tr } from '../../lib/i18n.ts';
import { encodeReference } from '../../lib/queries.ts';
import { toast } from '../../lib/toast.ts';
import type { ImageRow } from './row.ts';

async function remove(row: ImageRow, force: boolean): Promise<void> {
  await engineSend(row.host.id, 'DELETE', `/images/${encodeReference(row.dangling ? row.id : row.reference)}${force ? '?force=1' : ''}`);
}

/** Asks, removes, and on a conflict says what holds the image and offers force. @returns whether all are gone */
export async function removeImages(rows: ImageRow[]): Promise<boolean> {
  const [first] = rows;
  if (!first) return false;
  const one = rows.length === 1;
  const used = rows.filter((row) => row.users.length > 0);
  const answer = await ask({
    title: one ? tr('imageRemove.titleOne', { name: first.reference }) : tr('imageRemove.titleMany', { count: rows.length }),
    text:
      one && first.tags.length > 1
        ? tr('imageRemove.untag', { others: first.tags.filter((t) => t !== first.reference).join(', ') })
        : used.length > 0
          ? tr('imageRemove.used', { names: [...new Set(used.flatMap((r) => r.users))].join(', ') })
          : tr('imageRemove.text'),
    items: one ? [] : rows.map((row) => row.reference),
    verb: one ? tr('action.delete') : tr('imageRemove.verb', { count: rows.length }),
    danger: true,
  });
  if (!answer.yes) return false;
  let all = true;
  const hosts = new Set(rows.map((row) => row.host.id));
  for (const row of rows) {
    try {
      await remove(row, false);
    } catch (error) {
      if (error instanceof EngineError && error.status === 409) all = (await force(row, error)) && all;
      else {
        all = false;
        told(row, error);
      }
    }
  }
  await Promise.all([...hosts].map((host) => queryClient.invalidateQueries({ queryKey: keys.images(host) })));
  return all;
}

async function force(row: ImageRow, conflict: EngineError): Promise<boolean> {
  const answer = await ask({
    title: tr('imageRemove.conflict', { name: row.reference }),
    text: `${conflict.message}\n\n${row.users.length > 0 ? tr('imageRemove.conflictUsers', { names: row.users.join(', ') }) : tr('imageRemove.conflictText')}`,
    verb: tr('imageRemove.force'),
    danger: true,
  });
  if (!answer.yes) return false;
  try {
    await remove(row, true);
    return true;
  } catch (error) {
    told(row, error);
    return false;
  }
}

function told(row: ImageRow, error: unknown): void {
  const { message, remedy } = explain(error);
  toast({
    tone: 'error',
    title: tr('imageRemove.failed', { name: row.reference }),
    text: remedy ? `${message}\n${remedy}` : message,
    detail: message,
  });
}

/** Gives an image one more name. */
export async function tagImage(row: ImageRow, reference: string): Promise<void> {
  const colon = reference.lastIndexOf(':');
  const [repo, tag] = colon > reference.lastIndexOf('/') ? [reference.slice(0, colon), reference.slice(colon + 1)] : [reference, 'latest'];
  await engineSend(
    row.host.id,
    'POST',
    `/images/${encodeReference(row.id)}/tag?repo=${encodeURIComponent(repo)}&tag=${encodeURIComponent(tag)}`,
  );
  await queryClient.invalidateQueries({ queryKey: keys.images(row.host.id) });
}
