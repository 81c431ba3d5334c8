import type { Readable } from 'node:stream';
import type { CopyHave, CopyHaveRequest, CopyKind, CopyPlan, CopySendRequest } from '../../contract/copy.ts';
import type { ContainerCreateRequest, NetworkCreateRequest, ProgressMessage } from '../../contract/docker/index.ts';

/** What the other engine asks for, decoded as a client's request is. @throws Failure invalidParameter */
export interface CopyDecoders {
  container(value: unknown): ContainerCreateRequest;
  network(value: unknown): NetworkCreateRequest;
}

/** Copies to and from other engines. */
export interface Copies {
  /** Takes back what a crash left half done. After all other nouns have started. */
  start(): Promise<void>;
  /** @throws Failure notFound */
  plan(kind: CopyKind, name: string): Promise<CopyPlan>;
  have(request: CopyHaveRequest): Promise<CopyHave>;
  /**
   * The stream for the other engine. It ends with `done`, or with the reason why not.
   * @throws Failure notFound, before the first byte
   */
  send(request: CopySendRequest, signal: AbortSignal): Promise<Readable>;
  /**
   * Takes a stream in: all of it, or nothing. Progress as of a load; the last message has the result as `aux`.
   * @param name of the container or volume here; undefined: as it was called there
   */
  receive(
    stream: Readable,
    options: { name?: string; decoders: CopyDecoders },
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>>;
}
