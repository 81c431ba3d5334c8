import { create } from 'zustand';
import type { ProgressMessage } from '../../../helper/contract/docker/index.ts';
import { keys, queryClient } from '../../lib/client.ts';
import { engineLines, registryAuth } from '../../lib/engine.ts';
import { explain } from '../../lib/explain.ts';
import { tr } from '../../lib/i18n.ts';
import { toast } from '../../lib/toast.ts';
import { addProgress, emptyPull, type PullState, pullTotal, Rate } from './progress.ts';

/** A long work with progress: it goes on when the panel that began it is closed. */
export interface Pull {
  id: string;
  hostId: string;
  hostName: string;
  reference: string;
  state: PullState;
  status: 'running' | 'done' | 'failed' | 'cancelled';
  /** Bytes a second. */
  rate: number;
  error?: string;
  remedy?: string | undefined;
  startedAt: number;
}
export interface PullRequest {
  hostId: string;
  hostName: string;
  reference: string;
  platform?: string;
  login?: { username: string; password: string };
}

export const usePulls = create<{ pulls: Pull[] }>(() => ({ pulls: [] }));
const aborts = new Map<string, AbortController>();
const ended = new Map<string, Promise<Pull>>();
let next = 1;

function change(id: string, update: (pull: Pull) => Pull): void {
  usePulls.setState(({ pulls }) => ({ pulls: pulls.map((pull) => (pull.id === id ? update(pull) : pull)) }));
}
function find(id: string): Pull | undefined {
  return usePulls.getState().pulls.find((pull) => pull.id === id);
}

/** Splits `registry/name:tag@digest` into what the API's `fromImage` and `tag` take. */
export function splitReference(reference: string): { fromImage: string; tag: string; registry: string } {
  const [first] = reference.split('/');
  const registry = reference.includes('/') && first && /[.:]|^localhost$/.test(first) ? first : 'https://index.docker.io/v1/';
  const at = reference.indexOf('@');
  if (at >= 0) return { fromImage: reference.slice(0, at).replace(/:[^/:]+$/, ''), tag: reference.slice(at + 1), registry };
  const colon = reference.lastIndexOf(':');
  if (colon > reference.lastIndexOf('/')) return { fromImage: reference.slice(0, colon), tag: reference.slice(colon + 1), registry };
  return { fromImage: reference, tag: 'latest', registry };
}

/** Begins a pull. @returns its id, for {@link usePulls} and {@link pullEnd} */
export function startPull(request: PullRequest): string {
  const id = `pull-${next++}`;
  const abort = new AbortController();
  aborts.set(id, abort);
  const pull: Pull = {
    id,
    hostId: request.hostId,
    hostName: request.hostName,
    reference: request.reference,
    state: emptyPull,
    status: 'running',
    rate: 0,
    startedAt: Date.now(),
  };
  usePulls.setState(({ pulls }) => ({
    pulls: [pull, ...pulls.filter((p) => p.status === 'running' || Date.now() - p.startedAt < 3_600_000)],
  }));
  ended.set(id, run(id, request, abort.signal));
  return id;
}

/** Resolves when a pull is over, whichever way. */
export function pullEnd(id: string): Promise<Pull> {
  return ended.get(id) ?? Promise.reject(new Error(`no pull ${id}`));
}

export function cancelPull(id: string): void {
  aborts.get(id)?.abort();
}
export function forgetPull(id: string): void {
  usePulls.setState(({ pulls }) => ({ pulls: pulls.filter((p) => p.id !== id) }));
}

async function run(id: string, request: PullRequest, signal: AbortSignal): Promise<Pull> {
  const { fromImage, tag, registry } = splitReference(request.reference);
  const query = new URLSearchParams({ fromImage, tag, ...(request.platform ? { platform: request.platform } : {}) });
  const headers: Record<string, string> = request.login
    ? { 'X-Registry-Auth': registryAuth(request.login.username, request.login.password, registry) }
    : {};
  const rate = new Rate();
  let state = emptyPull;
  let frame = 0;
  // A fast registry sends thousands of messages a second: the screen sees one state a frame.
  const show = () => {
    frame = 0;
    const speed = rate.add(pullTotal(state).current, performance.now());
    change(id, (pull) => ({ ...pull, state, rate: speed }));
  };
  let end: Pick<Pull, 'status' | 'error' | 'remedy'>;
  try {
    for await (const message of engineLines<ProgressMessage>(request.hostId, `/images/create?${query}`, {
      method: 'POST',
      headers,
      signal,
    })) {
      state = addProgress(state, message);
      frame ||= requestAnimationFrame(show);
    }
    if (state.error) throw new Error(state.error);
    end = { status: 'done' };
  } catch (error) {
    const { message, remedy } = explain(error);
    end = signal.aborted ? { status: 'cancelled' } : { status: 'failed', error: message, remedy };
  }
  cancelAnimationFrame(frame);
  aborts.delete(id);
  change(id, (pull) => ({ ...pull, state, rate: 0, ...end }));
  await queryClient.invalidateQueries({ queryKey: keys.images(request.hostId) });
  return (
    find(id) ?? {
      id,
      hostId: request.hostId,
      hostName: request.hostName,
      reference: request.reference,
      state,
      rate: 0,
      startedAt: 0,
      ...end,
    }
  );
}

/** Tells the end of a pull that nobody watches. */
export function announcePull(id: string): void {
  void pullEnd(id).then((pull) => {
    if (pull.status === 'done') toast({ tone: 'success', title: tr('pull.doneToast', { reference: pull.reference }) });
    if (pull.status === 'failed')
      toast({
        tone: 'error',
        title: tr('pull.failedToast', { reference: pull.reference }),
        text: [pull.error, pull.remedy].filter(Boolean).join('\n'),
        detail: pull.error ?? '',
      });
  });
}
