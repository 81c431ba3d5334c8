import type { ProcessSpec } from '../../system/runtime/types.ts';
import { availableCapabilities, containerCapabilities, processCapabilities } from '../containers/spec/capabilities.ts';
import { overrideEnvironment, withHome } from '../containers/spec/environment.ts';
import { lookupUser } from '../containers/spec/user.ts';
import { Failure } from '../failure.ts';
import type { Exec } from './exec.ts';
import type { ExecHost } from './types.ts';

/** The OCI process of an exec: the container's own settings, with what the request changes. */
export async function execProcess(host: ExecHost, exec: Exec, consoleSize: [number, number] | undefined): Promise<ProcessSpec> {
  const { request } = exec;
  if (request.WorkingDir && !request.WorkingDir.startsWith('/')) {
    throw new Failure('invalidParameter', 'OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown');
  }
  const user = await lookupUser(`/proc/${host.pid}/root`, exec.user, host.hostConfig.GroupAdd ?? []);
  const privileged = request.Privileged || host.hostConfig.Privileged || false;
  const names = containerCapabilities(
    { add: host.hostConfig.CapAdd ?? null, drop: host.hostConfig.CapDrop ?? null, privileged },
    availableCapabilities(),
  );
  const terminal = request.Tty ?? false;
  // HOME belongs to the user that the process runs as: the container's own says nothing for another user.
  const inherited = host.env.filter((entry) => !(request.User && entry.startsWith('HOME=')));
  const env = overrideEnvironment(withHome([...(terminal ? ['TERM=xterm'] : []), ...inherited], user.home), request.Env ?? []);
  const [height, width] = consoleSize ?? [0, 0];
  const capabilities = processCapabilities(names);
  return {
    terminal,
    ...(terminal && height > 0 && width > 0 ? { consoleSize: { height, width } } : {}),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args: exec.command,
    env,
    cwd: request.WorkingDir || host.config.WorkingDir || '/',
    // Another user than root gets the capabilities as a bound only, as execve(2) would leave them.
    capabilities: user.uid === 0 ? capabilities : { ...capabilities, effective: [], permitted: [], inheritable: [], ambient: [] },
    noNewPrivileges: host.noNewPrivileges,
    ...(host.rlimits ? { rlimits: host.rlimits } : {}),
  };
}
