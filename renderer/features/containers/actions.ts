import { create } from 'zustand';
import { keys, queryClient } from '../../lib/client.ts';
import { engineSend } from '../../lib/engine.ts';
import { explain } from '../../lib/explain.ts';
import { tr } from '../../lib/i18n.ts';
import { forgetStop, rememberStop } from '../../lib/stops.ts';
import { toast } from '../../lib/toast.ts';

export type Verb = 'start' | 'stop' | 'restart' | 'pause' | 'unpause' | 'kill' | 'remove';
/** What an action needs to know of a container. */
export interface Target {
  host: { id: string; name: string };
  id: string;
  name: string;
  running: boolean;
}

/** Actions under way: `HOST/ID` → verb. A row in work shows a spinner and keeps its place. */
export const usePending = create<{ pending: ReadonlyMap<string, Verb> }>(() => ({ pending: new Map() }));

function setPending(key: string, verb: Verb | undefined): void {
  usePending.setState(({ pending }) => {
    const next = new Map(pending);
    if (verb) next.set(key, verb);
    else next.delete(key);
    return { pending: next };
  });
}

const paths: Record<Exclude<Verb, 'remove'>, string> = {
  start: 'start',
  stop: 'stop',
  restart: 'restart',
  pause: 'pause',
  unpause: 'unpause',
  kill: 'kill',
};

/** Does one thing to some containers at once; each failure is told by itself. @returns whether all went well */
export function act(verb: Exclude<Verb, 'remove'>, targets: Target[]): Promise<boolean> {
  return perform(verb, targets, ({ host, id }) => engineSend(host.id, 'POST', `/containers/${id}/${paths[verb]}`));
}

/** As `act`, by whatever request `send` makes. */
export async function perform(verb: Verb, targets: Target[], send: (target: Target) => Promise<void>): Promise<boolean> {
  const done = await Promise.all(
    targets.map(async (target) => {
      const key = `${target.host.id}/${target.id}`;
      if (usePending.getState().pending.has(key)) return true;
      setPending(key, verb);
      if (verb === 'stop' || verb === 'kill') rememberStop(target.host.id, target.id);
      if (verb === 'start' || verb === 'restart') forgetStop(target.host.id, target.id);
      try {
        await send(target);
        return true;
      } catch (error) {
        const { message, remedy } = explain(error);
        toast({
          tone: 'error',
          title: tr(`failed.${verb}`, { name: target.name }),
          text: remedy ? `${message}\n${remedy}` : message,
          detail: message,
        });
        return false;
      } finally {
        await Promise.all([
          queryClient.invalidateQueries({ queryKey: keys.containers(target.host.id) }),
          queryClient.invalidateQueries({
            queryKey: keys.container(target.host.id, target.id),
            refetchType: verb === 'remove' ? 'none' : 'active',
          }),
        ]);
        setPending(key, undefined);
      }
    }),
  );
  return done.every(Boolean);
}

export async function renameContainer(target: Target, name: string): Promise<void> {
  await engineSend(target.host.id, 'POST', `/containers/${target.id}/rename?name=${encodeURIComponent(name)}`);
  await queryClient.invalidateQueries({ queryKey: keys.containers(target.host.id) });
  await queryClient.invalidateQueries({ queryKey: keys.container(target.host.id, target.id) });
}
