import type { Socket } from 'node:net';
import type { Dialer } from '../engine-client/index.ts';
import type { Secrets } from '../ssh/index.ts';
import { type Credentials, explainTcp, openTcp, placeOf, readCredentials, type TcpTarget } from '../tcp/index.ts';

/** The way to an engine that listens on TCP: a connection for each stream, all with the same certificates. */
export class TcpLink {
  #target: TcpTarget;
  readonly #secrets: Secrets;
  readonly #streams = new Set<Socket>();
  #credentials: Credentials | undefined;
  /** The fingerprint of the certificate that the engine has taken last. */
  #letIn: string | undefined;

  constructor(target: TcpTarget, secrets: Secrets) {
    this.#target = target;
    this.#secrets = secrets;
  }

  /** Before each attempt to reach the engine. Asks nobody. @throws HostFailure tls-locked and others of readCredentials */
  readonly prepare = async (): Promise<void> => {
    const { address, security } = this.#target;
    const options = { machine: placeOf(address), secrets: this.#secrets, ask: undefined };
    this.#credentials = security.kind === 'tls' ? await readCredentials(security, options) : undefined;
  };

  readonly dial: Dialer = async (signal) => {
    const stream = await openTcp(this.#target, this.#credentials, { signal });
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    return stream;
  };

  /** Says more of why there is no answer, where TCP and TLS know more. */
  readonly whyLost = (error: unknown): Error | undefined => {
    const letIn = this.#letIn !== undefined && this.#letIn === this.#credentials?.client?.fingerprint;
    return explainTcp(error, this.#target.address, this.#credentials, { letIn });
  };

  /** Other certificates, from the next stream on; those that are open are cut. */
  change(target: TcpTarget): void {
    this.#target = target;
    this.#letIn = undefined;
    this.cut();
  }

  /** The engine has answered. */
  proven(): void {
    this.#letIn = this.#credentials?.client?.fingerprint;
  }

  /** The connection counts as lost: no stream waits for an answer that never comes. */
  cut(): void {
    for (const stream of [...this.#streams]) stream.destroy(Object.assign(new Error('The connection was lost'), { code: 'ECONNRESET' }));
  }
}
