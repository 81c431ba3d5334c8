import { Failure } from '../../failure.ts';

/** `--security-opt`, taken apart. */
export interface SecurityOptions {
  /** Undefined: as the engine's configuration says. */
  noNewPrivileges: boolean | undefined;
  /** The JSON of a profile, `unconfined`, `builtin`, or undefined for the default. */
  seccomp: string | undefined;
  apparmor: string | undefined;
  writableCgroups: boolean | undefined;
}

const parseBool = (text: string): boolean | undefined =>
  /^(1|t|true)$/i.test(text) ? true : /^(0|f|false)$/i.test(text) ? false : undefined;

/** @throws Failure invalidParameter `invalid --security-opt 2: "…"` (dockerd's words). SELinux labels are accepted and have no effect. */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  const result: SecurityOptions = { noNewPrivileges: undefined, seccomp: undefined, apparmor: undefined, writableCgroups: undefined };
  for (const option of options) {
    if (option === 'no-new-privileges') result.noNewPrivileges = true;
    else if (option === 'writable-cgroups') result.writableCgroups = true;
    else if (option !== 'disable') {
      const match = /^([^=:]+)[=:]([\s\S]*)$/.exec(option);
      if (!match) throw new Failure('invalidParameter', `invalid --security-opt 1: "${option}"`);
      const value = match[2] ?? '';
      const wrong = new Failure('invalidParameter', `invalid --security-opt 2: "${option}"`);
      if (match[1] === 'seccomp') result.seccomp = value;
      else if (match[1] === 'apparmor') result.apparmor = value;
      else if (match[1] === 'no-new-privileges' || match[1] === 'writable-cgroups') {
        const flag = parseBool(value);
        if (flag === undefined) throw wrong;
        if (match[1] === 'no-new-privileges') result.noNewPrivileges = flag;
        else result.writableCgroups = flag;
      } else if (match[1] !== 'label') throw wrong;
    }
  }
  return result;
}
