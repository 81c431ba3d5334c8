import { type Duplex, PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasEnded } from '../../system/process/ended.ts';
import { Failure } from '../failure.ts';
import { nowNanos } from '../instant.ts';
import type { Container } from './container.ts';
import { type Engine, emit } from './engine.ts';
import { logs } from './logs.ts';
import { PendingStream } from './pending-stream.ts';
import { openSession, parseDetachKeys } from './streams/index.ts';
import type { AttachOptions, Session } from './types.ts';

/**
 * POST /containers/{id}/attach. A container that does not run yet is attached when it is created by the runtime and before its
 * first instruction: `docker run` attaches first and starts then.
 */
export async function attach(engine: Engine, reference: string, options: AttachOptions, signal: AbortSignal): Promise<Session> {
  parseDetachKeys(options.detachKeys);
  const container = engine.store.get(reference);
  const { state, config } = container;
  if (state.status === 'running' && state.paused) {
    throw new Failure('conflict', `container ${reference} is paused, unpause the container before attach`);
  }
  if (state.status === 'restarting') {
    throw new Failure('conflict', `container ${reference} is restarting, wait until the container is running`);
  }
  const tty = config.Tty ?? false;
  // Who asks for no stream at all gets an empty answer, at once.
  const output = options.stdout || options.stderr;
  const past = options.logs && output && container.everStarted;
  const wanted = options.stream && (output || (options.stdin && (config.OpenStdin ?? false)));
  const session = wanted ? openSession(await connection(engine, container), sessionOptions(container, options, signal)) : undefined;
  emit(engine, container, 'attach');
  if (!past) return session ?? { multiplexed: !tty, body: empty(), input: undefined };

  // Connected first, read then: nothing is missed between the two.
  const until = nowNanos();
  const { body: before } = await logs(
    engine,
    container.id,
    { stdout: options.stdout, stderr: options.stderr, follow: false, timestamps: false, until, details: false },
    signal,
  );
  if (!session) return { multiplexed: !tty, body: before, input: undefined };
  const body = new PassThrough();
  pipeline(before, body, { end: false })
    .then(() => pipeline(session.body, body))
    .catch(() => {
      session.body.destroy();
      body.destroy();
    });
  body.once('close', () => session.body.destroy());
  return { ...session, body };
}

function empty(): PassThrough {
  const body = new PassThrough();
  body.end();
  return body;
}

function sessionOptions(container: Container, options: AttachOptions, signal: AbortSignal): Parameters<typeof openSession>[1] {
  return {
    tty: container.config.Tty ?? false,
    stdin: options.stdin && (container.config.OpenStdin ?? false),
    stdout: options.stdout,
    stderr: options.stderr,
    detachKeys: options.detachKeys,
    signal,
    ended: () => container.state.status !== 'running' || hasEnded(container.state.pid),
  };
}

/** The monitor's streams: at once for a running container, at its next start for another. */
async function connection(engine: Engine, container: Container): Promise<Duplex> {
  if (container.state.status === 'running') return engine.monitor.attach(engine.store.runFolder(container.id));
  const pending = new PendingStream();
  const attachment = {
    connect: async () => pending.connect(await engine.monitor.attach(engine.store.runFolder(container.id))),
    cancel: () => pending.cancel(),
  };
  container.live.beforeStart.add(attachment);
  pending.once('close', () => container.live.beforeStart.delete(attachment));
  return pending;
}
