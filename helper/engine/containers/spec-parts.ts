import { accessSync, constants, readFileSync } from 'node:fs';
import { Failure } from '../failure.ts';
import { type Container, sharedWith } from './container.ts';
import type { Engine } from './engine.ts';
import { onHost } from './on-host.ts';
import { runningPeer } from './prepare-network.ts';
import { hostDevices, mappedDevices } from './spec/devices.ts';
import { parseSecurityOptions } from './spec/security.ts';

/** The devices of the host that it is given. */
export async function devicesOf(engine: Engine, container: Container): ReturnType<typeof mappedDevices> {
  const { hostConfig } = container;
  const result: Awaited<ReturnType<typeof mappedDevices>> = { devices: [], rules: [] };
  if (hostConfig.Privileged) result.devices.push(...(await hostDevices()));
  for (const mapping of hostConfig.Devices ?? []) {
    if (hostConfig.Privileged && mapping.PathOnHost === mapping.PathInContainer) continue;
    const { devices, rules } = await mappedDevices(mapping, (file) => onHost(engine, file));
    result.devices.push(...devices);
    result.rules.push(...rules);
  }
  return result;
}

/** The namespace to join for an IpcMode or PidMode. */
export function joined(engine: Engine, mode: string | undefined, kind: 'IPC' | 'PID'): string | undefined {
  if (mode === 'host') return 'host';
  const other = sharedWith(mode);
  if (other === undefined) return undefined;
  const { container: peer, pid } = runningPeer(engine, other, kind);
  if (kind === 'IPC' && (peer.hostConfig.IpcMode === 'private' || peer.hostConfig.IpcMode === 'none')) {
    throw new Failure(
      'system',
      `failed to join IPC namespace: container ${peer.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  }
  return `/proc/${pid}/ns/${kind.toLowerCase()}`;
}

/** Whether the kernel has the knob, and it can be turned: on a read-only /proc/sys no container would start for it. */
const canSet = (file: string): boolean => {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

const exists = (file: string): boolean => {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
};

let sysctls: Record<string, string> | undefined;
/** Ping and low ports without capabilities, where the kernel has the knobs. */
export function networkSysctls(): Record<string, string> {
  sysctls ??= {
    ...(canSet('/proc/sys/net/ipv4/ping_group_range') ? { 'net.ipv4.ping_group_range': '0 2147483647' } : {}),
    ...(canSet('/proc/sys/net/ipv4/ip_unprivileged_port_start') ? { 'net.ipv4.ip_unprivileged_port_start': '0' } : {}),
  };
  return sysctls;
}

let apparmor: boolean | undefined;
/** A profile is applied where the host has AppArmor and the user names one. */
export function apparmorProfile(container: Container): string {
  apparmor ??=
    exists('/sys/module/apparmor/parameters/enabled') && readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y');
  if (!apparmor) return '';
  const asked = parseSecurityOptions(container.hostConfig.SecurityOpt ?? []).apparmor;
  return asked ?? (container.hostConfig.Privileged ? 'unconfined' : '');
}
