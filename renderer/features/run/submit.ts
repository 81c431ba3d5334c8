import type { Host } from '../../../electron/ipc/contract.ts';
import { keys, queryClient } from '../../lib/client.ts';
import { EngineError, engineJson, engineSend } from '../../lib/engine.ts';
import { encodeReference } from '../../lib/queries.ts';
import { pullEnd, startPull } from '../activity/index.ts';
import { createRequest, type RunSpec } from './command.ts';

/**
 * Creates and starts a container; pulls its image first where it is missing. A container that can't start is removed again,
 * so that a corrected form finds its name and ports free.
 *
 * @param onPull told the pull's id, to show its progress
 * @returns the container's id
 */
export async function runContainer(host: Host, spec: RunSpec, onPull: (id: string | null) => void): Promise<string> {
  const { state } = host;
  const podman = state.status === 'connected' && state.engine.product === 'Podman';
  // Podman (4.3) takes a time-out that is not named for none: its stop would kill at once.
  const body = { ...createRequest(spec), ...(podman && { StopTimeout: 10 }) };
  const create = () =>
    engineJson<{ Id: string }>(host.id, `/containers/create${spec.name ? `?name=${encodeURIComponent(spec.name)}` : ''}`, {
      method: 'POST',
      body,
    });
  const missing = await engineJson(host.id, `/images/${encodeReference(spec.image)}/json`).then(
    () => false,
    (error: unknown) => {
      if (error instanceof EngineError && error.status === 404) return true;
      throw error;
    },
  );
  if (missing) {
    const id = startPull({ hostId: host.id, hostName: host.name, reference: spec.image });
    onPull(id);
    const pull = await pullEnd(id);
    onPull(null);
    if (pull.status !== 'done') throw new EngineError(pull.error ?? '', pull.status === 'cancelled' ? 499 : 500, false);
  }
  const { Id } = await create();
  try {
    await engineSend(host.id, 'POST', `/containers/${Id}/start`);
  } catch (error) {
    await engineSend(host.id, 'DELETE', `/containers/${Id}?force=1`).catch(() => undefined);
    throw error;
  }
  await queryClient.invalidateQueries({ queryKey: keys.containers(host.id) });
  return Id;
}
