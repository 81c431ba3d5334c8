import * as v from 'valibot';
import { type EngineClient, ProtocolError } from '../engine-client/index.ts';

const inspected = v.object({
  Id: v.string(),
  Config: v.object({ Tty: v.optional(v.boolean(), false) }),
  State: v.object({
    Running: v.optional(v.boolean(), false),
    Restarting: v.optional(v.boolean(), false),
    ExitCode: v.optional(v.number(), 0),
  }),
});
export interface ContainerState {
  id: string;
  tty: boolean;
  running: boolean;
  /** Between two runs by its restart policy. */
  restarting: boolean;
  exitCode: number;
}

/** What terminals and logs need to know of a container. @throws EngineError 404 if it is gone */
export async function containerState(client: EngineClient, id: string, signal: AbortSignal): Promise<ContainerState> {
  const answer = await client.json('GET', `/containers/${encodeURIComponent(id)}/json`, { signal, limitBytes: 16 * 1024 * 1024 });
  const parsed = v.safeParse(inspected, answer);
  if (!parsed.success) throw new ProtocolError('GET /containers/{id}/json: the answer is not as the Docker API says');
  const { Id, Config, State } = parsed.output;
  return { id: Id, tty: Config.Tty, running: State.Running, restarting: State.Restarting, exitCode: State.ExitCode };
}
