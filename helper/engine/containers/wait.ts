import type { Container, Waiter } from './container.ts';
import type { Engine } from './engine.ts';
import { isRunning } from './state.ts';
import type { WaitCondition } from './types.ts';

type Result = { StatusCode: number; Error?: { Message: string } };

/**
 * POST /containers/{id}/wait. Registered when it resolves, so that a start that follows can't end unseen.
 * After an abort `result` never settles.
 */
export async function wait(
  engine: Engine,
  reference: string,
  condition: WaitCondition,
  signal: AbortSignal,
): Promise<{ result: Promise<Result> }> {
  const container = engine.store.get(reference);
  return { result: waitFor(container, condition, signal) };
}

function waitFor(container: Container, condition: WaitCondition, signal: AbortSignal): Promise<Result> {
  const { state } = container;
  if (condition === 'not-running' && !isRunning(state)) return Promise.resolve({ StatusCode: state.exitCode });
  return new Promise((resolve) => {
    const waiter: Waiter = {
      condition,
      resolve: (result) => {
        signal.removeEventListener('abort', forget);
        resolve(result);
      },
    };
    const forget = (): void => {
      container.live.waiters.delete(waiter);
    };
    container.live.waiters.add(waiter);
    signal.addEventListener('abort', forget, { once: true });
  });
}
