import type { ProgressMessage } from '../../../helper/contract/docker/index.ts';

export interface LayerProgress {
  id: string;
  phase: 'waiting' | 'downloading' | 'downloaded' | 'extracting' | 'done' | 'exists' | 'retrying';
  current: number;
  /** 0 while unknown. */
  total: number;
}
export interface PullState {
  layers: LayerProgress[];
  /** The last word that is not about a layer (`Status: Downloaded newer image …`). */
  status: string;
  error?: string;
}

export const emptyPull: PullState = { layers: [], status: '' };

const phases: [RegExp, LayerProgress['phase']][] = [
  [/^already exists/i, 'exists'],
  [/^pull complete/i, 'done'],
  [/^extracting/i, 'extracting'],
  [/^(download complete|verifying)/i, 'downloaded'],
  [/^downloading/i, 'downloading'],
  [/^(pulling fs layer|waiting|preparing)/i, 'waiting'],
  [/^retrying/i, 'retrying'],
];

/** What a pull stream has said so far, with one more message. Source: the shapes dockerd and Podman stream. */
export function addProgress(state: PullState, message: ProgressMessage): PullState {
  const error = message.errorDetail?.message ?? message.error;
  if (error) return { ...state, error };
  const status = message.status ?? message.stream ?? '';
  const phase = phases.find(([pattern]) => pattern.test(status))?.[1];
  if (!message.id || !phase) return status.trim() ? { ...state, status: status.trim() } : state;
  const index = state.layers.findIndex((layer) => layer.id === message.id);
  const old = state.layers[index] ?? { id: message.id, phase, current: 0, total: 0 };
  const { current, total } = message.progressDetail ?? {};
  const layer: LayerProgress = { ...old, phase, total: total && total > 0 ? total : old.total };
  if (phase === 'downloading' && current !== undefined) layer.current = current;
  // Progress of extracting counts the same bytes again; what was downloaded stays the measure.
  if (phase === 'downloaded' || phase === 'extracting' || phase === 'done') layer.current = layer.total;
  const layers = index < 0 ? [...state.layers, layer] : state.layers.map((l, i) => (i === index ? layer : l));
  return { ...state, layers };
}

/** Bytes over all layers whose size is known, and the part that is done (0 to 1; null before anything is known). */
export function pullTotal(state: PullState): { current: number; total: number; fraction: number | null } {
  let current = 0;
  let total = 0;
  let parts = 0;
  for (const layer of state.layers) {
    current += layer.current;
    total += layer.total;
    if (layer.phase === 'done' || layer.phase === 'exists') parts += 1;
    else if (layer.phase === 'extracting' || layer.phase === 'downloaded') parts += 0.8;
    else if (layer.total > 0) parts += (0.8 * layer.current) / layer.total;
  }
  return { current, total, fraction: state.layers.length > 0 ? parts / state.layers.length : null };
}

/** Bytes a second over the last few seconds. */
export class Rate {
  #samples: { at: number; bytes: number }[] = [];

  add(bytes: number, atMs: number): number {
    this.#samples.push({ at: atMs, bytes });
    while (this.#samples.length > 2 && atMs - (this.#samples[0]?.at ?? 0) > 4000) this.#samples.shift();
    const first = this.#samples[0];
    if (!first || atMs - first.at < 250) return 0;
    return Math.max(0, ((bytes - first.bytes) * 1000) / (atMs - first.at));
  }
}
