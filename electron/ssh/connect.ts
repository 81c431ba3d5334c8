import type { Duplex } from 'node:stream';
import { type Algorithms, Client } from 'ssh2';
import type { HostFailure } from '../hosts/errors.ts';
import type { ConnectStep } from '../ipc/contract.ts';
import { type Address, formatAddress } from './address.ts';
import { type Ask, Auth } from './auth.ts';
import { CERTIFICATE_SUFFIX, type Certificate } from './certificate.ts';
import { checkHostKey, knownAs } from './check-host-key.ts';
import type { ConfigFiles, HostConfig } from './config.ts';
import { cancelled, failure, shown } from './failures.ts';
import { offerHostCertificates } from './host-certificates.ts';
import { fingerprint, knownTypes, mindsAuthorities, readKnownHosts } from './known-hosts.ts';
import { resolveRunning } from './match-exec.ts';
import type { Secrets } from './secrets.ts';
import { ChannelRefused, SshSession } from './session.ts';
import { offerCertificates, watchAuthFailures } from './ssh2-internals.ts';
import { dialCommand, dialTcp, resolveName } from './tcp.ts';

export interface ConnectOptions {
  files: ConfigFiles;
  secrets: Secrets;
  /** Undefined: in the background; what would need the user fails with a code that says so. */
  ask: Ask | undefined;
  onStep?: (step: ConnectStep) => void;
  signal: AbortSignal;
  /** For tests: how often a quiet connection is looked at, and how long the machine may take for one answer. */
  keepaliveMs?: number;
  answerMs?: number;
}

const HOPS_LIMIT = 8;
/** For one answer of the machine while signing in; questions to the user don't count. */
const ANSWER_MS = 20_000;
const KEEPALIVE_MS = 5000;
/** Quiet for so many keepalives: the connection is lost. */
const KEEPALIVES = 3;
/**
 * Connects to a machine and signs in, through the jump hosts that its configuration names.
 *
 * @throws HostFailure that says at which machine what went wrong
 */
export async function connectSsh(address: Address, options: ConnectOptions): Promise<SshSession> {
  const chain = await chainOf(options.files, address, options.signal);
  const clients: Client[] = [];
  let session: SshSession | undefined;
  try {
    for (const config of chain) {
      const stream = session ? await throughJump(session, config, options) : await direct(config, options);
      const { client, hostKey } = await signIn(stream, config, options).catch((error: unknown) => {
        stream.destroy();
        throw error;
      });
      session = new SshSession(client, [...clients], { machine: machineOf(config), user: config.user, hostKey });
      clients.push(client);
    }
  } catch (error) {
    session?.close();
    throw error;
  }
  if (!session) throw failure('ssh-address', 'There is no machine to connect to', { final: true });
  return session;
}

const machineOf = ({ user, alias, port }: HostConfig) => formatAddress({ user, host: alias, ...(port !== 22 && { port }) });

/** @returns jump hosts first; a jump host's own ProxyJump counts for the first of a list only, as with ssh -J */
async function chainOf(files: ConfigFiles, address: Address, signal: AbortSignal): Promise<HostConfig[]> {
  const read = async (of: Address): Promise<HostConfig> => {
    try {
      return await resolveRunning(files, of, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw failure('ssh-address', error instanceof Error ? error.message : String(error), { final: true });
    }
  };
  const chain: HostConfig[] = [];
  let next: Address | undefined = address;
  while (next) {
    const config = await read(next);
    chain.unshift(config);
    const [first, ...rest]: Address[] = config.proxyJump;
    chain.splice(0, 0, ...(await Promise.all(rest.map(read))));
    next = first;
    if (chain.length > HOPS_LIMIT) {
      const message = `The jump hosts of ${address.host} lead in a circle, or are more than ${HOPS_LIMIT}`;
      throw failure('ssh-address', message, { final: true });
    }
  }
  return chain;
}

function stepsOf(config: HostConfig, onStep: ConnectOptions['onStep']) {
  const machine = machineOf(config);
  const tell = (kind: ConnectStep['kind'], status: ConnectStep['status'], found: Record<string, string> = {}) =>
    onStep?.({ kind, machine, status, found });
  return {
    tell,
    async run<T>(kind: ConnectStep['kind'], work: () => Promise<T>, found: (result: T) => Record<string, string>): Promise<T> {
      tell(kind, 'running');
      try {
        const result = await work();
        tell(kind, 'done', found(result));
        return result;
      } catch (error) {
        tell(kind, 'failed');
        throw error;
      }
    },
  };
}

async function direct(config: HostConfig, { onStep, signal }: ConnectOptions): Promise<Duplex> {
  const steps = stepsOf(config, onStep);
  const { proxyCommand } = config;
  if (proxyCommand !== undefined) {
    return steps.run(
      'connect',
      async () => dialCommand(proxyCommand),
      () => ({ via: proxyCommand }),
    );
  }
  const addresses = await steps.run(
    'resolve',
    () => resolveName(config.hostName, config.family),
    (found) => ({ name: config.hostName, address: found.join(', ') }),
  );
  const dialed = await steps.run(
    'connect',
    () => dialTcp(addresses, config.port, config.connectTimeoutMs, signal, { from: config.bindAddress }),
    ({ address }) => ({ address }),
  );
  return dialed.stream;
}

function throughJump(session: SshSession, config: HostConfig, { onStep, signal }: ConnectOptions): Promise<Duplex> {
  const where = `${config.hostName}:${config.port}`;
  const open = () =>
    session.openTcp(config.hostName, config.port, signal).catch((error: unknown) => {
      if (!(error instanceof ChannelRefused)) throw error;
      const values = { jump: session.machine, address: where };
      const more = { values, detail: error.message, cause: error };
      if (error.reason === 1) throw failure('ssh-jump-forbidden', `${session.machine} does not connect others (AllowTcpForwarding)`, more);
      throw failure('ssh-unreachable', `${session.machine} finds no way to ${where}`, more);
    });
  return stepsOf(config, onStep).run('connect', open, () => ({ address: where, via: session.machine }));
}

interface SignedIn {
  client: Client;
  /** The fingerprint of the key that the machine has shown. */
  hostKey: string;
}

function signIn(stream: Duplex, config: HostConfig, options: ConnectOptions): Promise<SignedIn> {
  const { secrets, ask, signal, onStep, answerMs = ANSWER_MS } = options;
  const steps = stepsOf(config, onStep);
  const machine = machineOf(config);
  const client = new Client();
  let heard = false;
  let keyAccepted = false;
  let hostKey = '';
  let certificate: Certificate | undefined;
  let offered: { methods: string[]; partial: boolean } | undefined;

  return new Promise<SignedIn>((resolve, reject) => {
    let settled = false;
    let timer: NodeJS.Timeout | undefined;
    const watch = () => {
      clearTimeout(timer);
      if (!settled) timer = setTimeout(() => fail(failure('ssh-timeout', `${machine} does not answer`, { values: { machine } })), answerMs);
    };
    /** Time that the user takes does not count. */
    const asking: Ask | undefined =
      ask &&
      (async (question) => {
        clearTimeout(timer);
        try {
          return await ask(question);
        } finally {
          watch();
        }
      });
    const auth = new Auth({
      config,
      machine,
      secrets,
      ask: asking,
      waiting: () => {
        clearTimeout(timer);
        return watch;
      },
      onCertificate: (status, found) => steps.tell('certificate', status, found),
      onStop: (error) => fail(error),
    });
    const finish = (act: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      stream.off('close', closed);
      act();
    };
    const fail = (error: unknown) =>
      finish(() => {
        steps.tell(keyAccepted ? 'signIn' : heard ? 'hostKey' : 'connect', 'failed');
        // Later errors of a connection that is given up have no listener otherwise.
        client.on('error', () => {});
        client.destroy();
        stream.destroy();
        reject(error);
      });
    const abort = () => fail(signal.reason instanceof Error ? signal.reason : cancelled());
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    // ssh2 listens only once it is told to connect; a machine may hang up before.
    stream.once('close', closed);

    client.on('error', (error: Error & { level?: string; code?: unknown }) => {
      // One key of an agent could not be used: the next is tried.
      if (error.level === 'agent') return;
      fail(explain(error));
    });
    client.on('close', closed);
    client.on('handshake', () => {
      steps.tell('signIn', 'running', { user: config.user });
      watch();
    });
    client.on('change password', () =>
      fail(
        failure('ssh-password-expired', `${machine} wants a new password`, {
          final: true,
          values: { machine, user: config.user },
          fix: `ssh ${machine}`,
        }),
      ),
    );
    client.on('ready', () =>
      finish(() => {
        client.removeAllListeners('error').removeAllListeners('close');
        steps.tell('signIn', 'done', { user: config.user, ...auth.found });
        void auth.succeeded();
        resolve({ client, hostKey });
      }),
    );

    function explain(error: Error & { level?: string }): HostFailure {
      const detail = shown(error.message);
      const more = { values: { machine, address: `${config.hostName}:${config.port}` }, detail, cause: error };
      if (/too many authentication failures/i.test(error.message)) {
        const named = `${auth.triedKeys} keys were offered. Name the right one with IdentityFile and IdentitiesOnly in ~/.ssh/config`;
        return auth.triedKeys > 1
          ? failure('ssh-too-many-tries', `${machine} gave up after too many keys. ${named}`, { ...more, final: true })
          : auth.why(detail);
      }
      if (error.level === 'client-authentication') return auth.why(detail);
      if (!heard) return failure('ssh-no-ssh', `What answers at ${more.values.address} is no SSH server`, more);
      if (error.level === 'handshake' && /no matching/i.test(error.message)) {
        return failure('ssh-no-agreement', `${machine} and Gantry know no common way to encrypt`, { ...more, final: true });
      }
      return failure('ssh-lost', `${machine} closed the connection`, more);
    }

    function closed(): void {
      fail(explain(new Error('the connection was closed')));
    }

    const verify = async (blob: Buffer): Promise<void> => {
      clearTimeout(timer);
      await steps.run(
        'hostKey',
        // A later exchange may go without one.
        () => checkHostKey(blob, certificate?.key.equals(blob) ? certificate : undefined, config, machine, asking),
        (facts) => facts,
      );
      keyAccepted = true;
      hostKey = fingerprint(blob);
      watch();
    };

    void (async () => {
      const known = await readKnownHosts([...config.userKnownHosts, ...config.globalKnownHosts]);
      const types = knownTypes(known, ...knownAs(config));
      const isKnown = (name: string) => types.includes(name.startsWith('rsa-sha2') ? 'ssh-rsa' : name);
      const { algorithms } = config;
      const { kex, cipher, hmac, hostKeys } = algorithms;
      const ordered = (names: string[]) =>
        algorithms.hostKeysOrdered ? names : [...names.filter(isKnown), ...names.filter((name) => !isKnown(name))];
      client.connect({
        sock: stream,
        username: config.user,
        // Our own time-out: this one would run while the user reads.
        readyTimeout: 0,
        keepaliveInterval: options.keepaliveMs ?? KEEPALIVE_MS,
        keepaliveCountMax: KEEPALIVES,
        // Streams to Unix sockets are an extension that others than OpenSSH have, too.
        strictVendor: false,
        agentForward: false,
        // Their names are checked against ssh2's own lists.
        algorithms: { kex, cipher, hmac, serverHostKey: ordered(hostKeys) } as Algorithms,
        hostVerifier: (blob: Buffer, done: (valid: boolean) => void) => {
          heard = true;
          // Keys of the connection are exchanged anew after an hour or a gigabyte. The machine's own was looked at; and to wait, which
          // ssh2 gets wrong when it happens in the midst of other packets, is not needed.
          if (keyAccepted && fingerprint(blob) === hostKey) return done(true);
          verify(blob).then(
            () => done(true),
            (error: unknown) => {
              fail(error);
              done(false);
            },
          );
        },
        authHandler: (methods, partial, next) => {
          watch();
          const now = offered ?? { methods: methods as string[] | null, partial };
          auth.next(now.methods, now.partial === true).then((method) => next(method as never), fail);
        },
      });
      offerCertificates(client);
      // Otherwise they would tell nothing: the machine shows its key alone, as it does to ssh in the end.
      if (mindsAuthorities(known, ...knownAs(config))) {
        const names = ordered(algorithms.hostCertificates).map((name) => `${name}${CERTIFICATE_SUFFIX}`);
        offerHostCertificates(client, names, (shown) => {
          certificate = shown;
        });
      }
      watchAuthFailures(client, (methods, partial) => {
        offered = { methods, partial };
      });
      watch();
    })().catch(fail);
  });
}
