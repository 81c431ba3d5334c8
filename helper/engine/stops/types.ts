import type { ContainerStop, StopActor, StopCause } from '../../contract/gantry.ts';

/** A request that is to end a container. */
export interface StopRequest {
  call: 'stop' | 'kill' | 'restart' | 'remove';
  /** RFC 3339. */
  time: string;
  signal?: number;
  /** What the client calls itself. */
  client?: string;
}

/** What is known of the end of a run when it is seen. */
export interface StopFacts {
  id: string;
  name: string;
  image: string;
  startedAt: string;
  finishedAt: string;
  exitCode: number;
  oomKilled: boolean;
  /** When it was last heard to be without memory, RFC 3339; undefined when nobody listened. */
  oomAt: string | undefined;
  /** Of a start that failed. */
  error: string | undefined;
  request: StopRequest | undefined;
  /** The engine was stopping, and its containers with it. */
  shutdown: boolean;
  /** Nobody saw the end: the host went down. */
  lost: boolean;
  restart: ContainerStop['Restart'];
  health: ContainerStop['Health'];
}

export interface Reason {
  cause: StopCause;
  by: StopActor;
  forced: boolean;
}

/** Where containers report their ends to. Returns at once; what is still to be read is read later. */
export interface StopSink {
  note(facts: StopFacts, lastLines: () => Promise<ContainerStop['LastLines']>): void;
}

/** Why containers stopped, kept for the latest ones, also of those that are gone. */
export interface Stops extends StopSink {
  start(): Promise<void>;
  /** What was noted is written. */
  stop(): Promise<void>;
  /** Of all containers, newest first. */
  latest(limit: number): Promise<ContainerStop[]>;
  /** Of one container, newest first, by its id or a prefix of it that fits one only. @throws Failure notFound */
  of(id: string): Promise<ContainerStop[]>;
}
