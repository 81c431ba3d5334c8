import { EngineClient, identify } from '../engine-client/index.ts';
import type { ConnectStep, EngineIdentity } from '../ipc/contract.ts';
import type { Ask, Secrets } from '../ssh/index.ts';
import { type Credentials, explainTcp, isoDay, openTcp, placeOf, readCredentials, type TcpTarget } from '../tcp/index.ts';
import { HostFailure } from './errors.ts';

export interface TryOptions {
  secrets: Secrets;
  ask: Ask;
  onStep: (step: ConnectStep) => void;
  signal: AbortSignal;
}

const ANSWER_MS = 10_000;

/**
 * Goes the whole way to an engine at a tcp:// address, telling each step.
 *
 * @throws HostFailure, or what `hostErrorOf` knows
 */
export async function tryTcp(target: TcpTarget, { secrets, ask, onStep, signal }: TryOptions): Promise<EngineIdentity> {
  const machine = placeOf(target.address);
  const tell = (kind: ConnectStep['kind'], status: ConnectStep['status'], found: Record<string, string> = {}): void =>
    onStep({ kind, machine, status, found });
  let credentials: Credentials | undefined;
  if (target.security.kind === 'tls') {
    tell('files', 'running');
    credentials = await readCredentials(target.security, { machine, secrets, ask });
    const { client } = credentials;
    tell('files', 'done', client ? { subject: client.subject, until: isoDay(client.validTo) } : {});
  }
  const stream = await openTcp(target, credentials, { onStep, signal });
  // The first request goes over the connection that was just shown.
  let unused: typeof stream | undefined = stream;
  const client = new EngineClient(async (abort) => {
    const taken = unused ?? (await openTcp(target, credentials, { signal: abort }));
    unused = undefined;
    return taken;
  });
  const timeout = AbortSignal.timeout(ANSWER_MS);
  const end = () => stream.destroy();
  signal.addEventListener('abort', end, { once: true });
  const user = credentials?.client?.subject;
  const signIn = (status: ConnectStep['status']) => {
    if (user !== undefined) tell('signIn', status, { user, method: 'certificate' });
  };
  signIn('running');
  if (user === undefined) tell('engine', 'running');
  try {
    const engine = await identify(client, timeout);
    signIn('done');
    tell('engine', 'done', { product: engine.product, version: engine.version });
    return engine;
  } catch (error) {
    const failure = explainTcp(error, target.address, credentials) ?? error;
    const isRefused = failure instanceof HostFailure && failure.error.code.startsWith('tls-client-');
    signIn(isRefused ? 'failed' : 'done');
    if (!isRefused) tell('engine', 'failed');
    throw failure;
  } finally {
    signal.removeEventListener('abort', end);
    client.close();
    stream.destroy();
  }
}
