import type { ContainerConfig, HostConfig } from '../../contract/docker/index.ts';
import type { ProcessSpec } from '../../system/runtime/types.ts';

/** What an added process needs to know of its container; containers provide it. */
export interface ExecHost {
  id: string;
  name: string;
  status: 'running' | 'paused' | 'restarting' | 'stopped';
  /** Of the container's first process: its root is the container's, as /proc/PID/root. */
  pid: number;
  config: ContainerConfig;
  hostConfig: HostConfig;
  /** The environment of the container's processes, without what a terminal adds. */
  env: string[];
  /** What every process of the container is held to. */
  rlimits: ProcessSpec['rlimits'];
  noNewPrivileges: boolean;
  runtime: string;
  /** Where folders of execs may lie, below the run folder. */
  folder: string;
  /** Publishes an event of the container. */
  emit(action: string, attributes: Record<string, string>): void;
}

/** Looks a container up by name, id or prefix. @throws Failure notFound */
export type FindExecHost = (container: string) => ExecHost;
