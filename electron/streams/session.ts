import type { Duplex } from 'node:stream';
import * as v from 'valibot';
import { type EngineClient, EngineError, ProtocolError } from '../engine-client/index.ts';
import { pause } from '../hosts/abort.ts';
import { containerState } from './containers.ts';

export interface Size {
  cols: number;
  rows: number;
}
export interface Ended {
  exitCode: number | null;
  /** `disconnected`, `detached`, or the engine's own sentence. */
  reason?: string;
}

/** A process's streams and what can be done with it, whether it is an exec or the container's own. */
export interface Session {
  stream: Duplex;
  tty: boolean;
  resize(size: Size): Promise<void>;
  /** After the stream has ended. */
  ended(): Promise<Ended>;
  /** Asks the process to end, as a terminal's window does when it is closed. */
  hangUp(): void;
}

const never = new AbortController().signal;
const created = v.object({ Id: v.string() });
const execState = v.object({ Running: v.optional(v.boolean(), false), ExitCode: v.nullish(v.number()) });

/** Starts `command` in a container with a TTY. */
export async function startExec(client: EngineClient, containerId: string, command: string[], env: string[], size: Size): Promise<Session> {
  const container = encodeURIComponent(containerId);
  const answer = await client.json('POST', `/containers/${container}/exec`, {
    body: {
      json: {
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: true,
        ConsoleSize: [size.rows, size.cols],
        Env: env,
        Cmd: command,
      },
    },
  });
  const parsed = v.safeParse(created, answer);
  if (!parsed.success) throw new ProtocolError('POST /containers/{id}/exec: the answer is not as the Docker API says');
  const id = encodeURIComponent(parsed.output.Id);
  const { stream } = await client.hijack(`/exec/${id}/start`, { Detach: false, Tty: true, ConsoleSize: [size.rows, size.cols] });
  return {
    stream,
    tty: true,
    resize: ({ cols, rows }) => resize(client, `/exec/${id}/resize?h=${rows}&w=${cols}`),
    ended: async () => {
      try {
        for (let attempt = 0; ; attempt += 1) {
          const state = v.parse(execState, await client.json('GET', `/exec/${id}/json`));
          if (!state.Running) return { exitCode: state.ExitCode ?? null };
          // The stream's end may come a moment before the exit is known.
          if (attempt === 10) return { exitCode: null, reason: 'disconnected' };
          await pause(30, never);
        }
      } catch {
        return { exitCode: null, reason: 'disconnected' };
      }
    },
    // The API can't end an exec, and engines leave it running when its streams are gone: interrupt, then end of input.
    hangUp: () => void stream.write('\x03\x04'),
  };
}

/** Attaches to the container's first process. */
export async function startAttach(client: EngineClient, containerId: string, size: Size): Promise<Session> {
  const { id, tty, running } = await containerState(client, containerId, never);
  if (!running) throw new EngineError(409, 'The container is not running');
  const path = `/containers/${id}`;
  const { stream } = await client.hijack(`${path}/attach?stream=1&stdin=1&stdout=1&stderr=1`, {});
  const resizeTo = ({ cols, rows }: Size) => (tty ? resize(client, `${path}/resize?h=${rows}&w=${cols}`) : Promise.resolve());
  // One row less and back: whatever runs there draws itself again for the new view.
  if (tty) void resizeTo({ cols: size.cols, rows: Math.max(1, size.rows - 1) }).then(() => resizeTo(size));
  return {
    stream,
    tty,
    resize: resizeTo,
    ended: async () => {
      try {
        for (let attempt = 0; ; attempt += 1) {
          const state = await containerState(client, id, never);
          if (!state.running) return { exitCode: state.exitCode };
          if (attempt === 10) return { exitCode: null, reason: 'detached' };
          await pause(30, never);
        }
      } catch (error) {
        if (error instanceof EngineError && error.status === 404) return { exitCode: null, reason: 'removed' };
        return { exitCode: null, reason: 'disconnected' };
      }
    },
    hangUp: () => {},
  };
}

async function resize(client: EngineClient, path: string): Promise<void> {
  try {
    await client.json('POST', path);
  } catch {
    // The process may not have begun, or have ended: the next resize counts.
  }
}
