import type { ExecHost } from '../execs/index.ts';
import type { Container } from './container.ts';
import { type Engine, emit, runtimeOf } from './engine.ts';
import { linksOf } from './linked.ts';
import { linkEnvironment } from './links.ts';
import { containerEnvironment } from './spec/environment.ts';
import { rlimits } from './spec/resources.ts';
import { parseSecurityOptions } from './spec/security.ts';
import { statusWord } from './state.ts';

/** What an added process needs to know of its container. */
export function execHost(engine: Engine, container: Container): ExecHost {
  const word = statusWord(container.state);
  return {
    id: container.id,
    name: container.name,
    status: word === 'running' || word === 'paused' || word === 'restarting' ? word : 'stopped',
    pid: container.state.status === 'running' ? container.state.pid : 0,
    config: container.config,
    hostConfig: container.hostConfig,
    // TERM is what a terminal of the first process is, not of the added one.
    env: containerEnvironment({ ...container.config, Tty: false }, linkEnvironment(container, linksOf(engine.store, container))),
    rlimits: container.hostConfig.Ulimits?.length ? rlimits(container.hostConfig.Ulimits) : undefined,
    noNewPrivileges: parseSecurityOptions(container.hostConfig.SecurityOpt ?? []).noNewPrivileges ?? engine.context.config.noNewPrivileges,
    runtime: runtimeOf(engine, container).name,
    folder: engine.store.runFolder(container.id),
    emit: (action, attributes) => emit(engine, container, action, attributes),
  };
}
