import os from 'node:os';
import { Failure } from '../../failure.ts';
import {
  ALWAYS,
  CLONE_NAMESPACE_FLAGS,
  ON_ARCHITECTURE,
  PERSONALITIES,
  SINCE_KERNEL,
  SOCKET_FAMILIES,
  WITH_CAPABILITY,
} from './syscalls.ts';

export interface SeccompRule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: { index: number; value: number; valueTwo?: number; op: string }[];
}

/** `linux.seccomp` of the OCI runtime-spec. */
export interface SeccompProfile {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  syscalls: SeccompRule[];
}

const EPERM = 1;
const ENOSYS = 38;
const ALLOW = 'SCMP_ACT_ALLOW';

const ARCHITECTURES: Record<string, string[]> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  arm: ['SCMP_ARCH_ARM'],
  ia32: ['SCMP_ARCH_X86'],
  ppc64: ['SCMP_ARCH_PPC64LE'],
  s390x: ['SCMP_ARCH_S390X', 'SCMP_ARCH_S390'],
  riscv64: ['SCMP_ARCH_RISCV64'],
};

export interface Machine {
  /** As `process.arch`. */
  architecture: string;
  kernel: { major: number; minor: number };
}

export function thisMachine(): Machine {
  const [major = 0, minor = 0] = os.release().split(/[.-]/).map(Number);
  return { architecture: process.arch, kernel: { major, minor } };
}

function atLeast(kernel: Machine['kernel'], major: number, minor: number): boolean {
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}

/** The default profile for a container that holds `capabilities` (`CAP_…` names). Pure. */
export function defaultProfile(capabilities: readonly string[], machine: Machine): SeccompProfile {
  const held = new Set(capabilities);
  const names = new Set(ALWAYS);
  for (const rule of SINCE_KERNEL) {
    if (atLeast(machine.kernel, rule.major, rule.minor)) for (const name of rule.names) names.add(name);
  }
  for (const name of ON_ARCHITECTURE[machine.architecture] ?? []) names.add(name);
  for (const [capability, list] of Object.entries(WITH_CAPABILITY)) {
    if (held.has(capability)) for (const name of list) names.add(name);
  }
  const syscalls: SeccompRule[] = [{ names: [...names], action: ALLOW }];
  const when = (name: string, index: number, value: number, op: string, valueTwo?: number): void => {
    syscalls.push({ names: [name], action: ALLOW, args: [{ index, value, ...(valueTwo === undefined ? {} : { valueTwo }), op }] });
  };
  when('socket', 0, SOCKET_FAMILIES.below, 'SCMP_CMP_LT');
  when('socket', 0, SOCKET_FAMILIES.exactly, 'SCMP_CMP_EQ');
  when('socket', 0, SOCKET_FAMILIES.above, 'SCMP_CMP_GT');
  for (const value of PERSONALITIES) when('personality', 0, value, 'SCMP_CMP_EQ');
  if (!held.has('CAP_SYS_ADMIN')) {
    // On s390 the flags are clone's second argument.
    when('clone', machine.architecture === 's390x' ? 1 : 0, CLONE_NAMESPACE_FLAGS, 'SCMP_CMP_MASKED_EQ', 0);
    // clone3 hides its flags behind a pointer, which a filter can't read: libc falls back to clone on ENOSYS.
    syscalls.push({ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS });
  }
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: ARCHITECTURES[machine.architecture] ?? [],
    syscalls,
  };
}

interface CustomRule extends SeccompRule {
  name?: string;
  includes?: { caps?: string[]; arches?: string[]; minKernel?: string };
  excludes?: { caps?: string[]; arches?: string[]; minKernel?: string };
}

const GO_ARCH: Record<string, string> = { x64: 'amd64', ia32: 'x86', arm64: 'arm64', arm: 'arm', ppc64: 'ppc64le', s390x: 's390x' };

/**
 * A profile of the user's (`--security-opt seccomp=FILE`: the client sends the file's content) made concrete for this machine
 * and these capabilities.
 * @throws Failure invalidParameter `Decoding seccomp profile failed: …`
 * Source: Docker's seccomp profile format (names, args, includes, excludes, archMap).
 */
export function customProfile(text: string, capabilities: readonly string[], machine: Machine): SeccompProfile {
  let profile: {
    defaultAction?: string;
    defaultErrnoRet?: number;
    architectures?: string[];
    archMap?: { architecture: string; subArchitectures?: string[] }[];
    flags?: string[];
    syscalls?: CustomRule[];
  };
  try {
    profile = JSON.parse(text);
  } catch (error) {
    throw new Failure('invalidParameter', `Decoding seccomp profile failed: ${error instanceof Error ? error.message : error}`);
  }
  if (profile.architectures?.length && profile.archMap?.length) {
    throw new Failure(
      'invalidParameter',
      `'architectures' and 'archMap' were specified in the seccomp profile, use either 'architectures' or 'archMap'`,
    );
  }
  const held = new Set(capabilities);
  const own = ARCHITECTURES[machine.architecture] ?? [];
  const applies = (rule: CustomRule): boolean => {
    const go = GO_ARCH[machine.architecture] ?? machine.architecture;
    const kernelOk = (text: string | undefined): boolean => {
      const [major = 0, minor = 0] = (text ?? '0.0').split('.').map(Number);
      return atLeast(machine.kernel, major, minor);
    };
    const { includes, excludes } = rule;
    if (excludes?.caps?.some((name) => held.has(name)) || excludes?.arches?.includes(go)) return false;
    if (excludes?.minKernel && kernelOk(excludes.minKernel)) return false;
    if (includes?.arches?.length && !includes.arches.includes(go)) return false;
    if (includes?.caps?.some((name) => !held.has(name))) return false;
    return kernelOk(includes?.minKernel);
  };
  const mapped = profile.archMap?.find((entry) => entry.architecture === own[0]);
  const syscalls = (profile.syscalls ?? []).filter(applies).map((rule) => ({
    names: rule.name ? [rule.name] : rule.names,
    action: rule.action,
    ...(rule.errnoRet === undefined ? {} : { errnoRet: rule.errnoRet }),
    ...(rule.args?.length ? { args: rule.args } : {}),
  }));
  return {
    defaultAction: profile.defaultAction ?? 'SCMP_ACT_ERRNO',
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: mapped ? [mapped.architecture, ...(mapped.subArchitectures ?? [])] : (profile.architectures ?? []),
    ...(profile.flags?.length ? { flags: profile.flags } : {}),
    syscalls,
  };
}
