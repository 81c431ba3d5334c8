import os from 'node:os';
import type { ContainerConfig, ContainerCreateRequest, EndpointSettings, HostConfig } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import { parseSignal } from '../signals.ts';
import { checkLogConfig } from './log-options.ts';
import { checkTmpfsTarget, parseMount } from './mount-parse.ts';
import { hasPolicy } from './restart-policy.ts';
import { normalizeCapabilities } from './spec/capabilities.ts';
import { parseSecurityOptions } from './spec/security.ts';

const MIN_DURATION_NANOS = 1_000_000;
const MAX_HOSTNAME = 64;

const invalid = (message: string): Failure => new Failure('invalidParameter', message);

/** The portable half of a create request. @throws Failure invalidParameter in dockerd's words */
export function validateConfig(config: ContainerConfig): void {
  if (config.WorkingDir && !config.WorkingDir.startsWith('/')) {
    throw invalid(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  if (config.StopSignal) parseSignal(config.StopSignal);
  for (const entry of config.Env ?? []) {
    if (entry === '' || entry.startsWith('=')) throw invalid(`invalid environment variable: ${entry}`);
  }
  const check = config.Healthcheck;
  if (check) {
    for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
      const nanos = check[field] ?? 0;
      if (nanos !== 0 && nanos < MIN_DURATION_NANOS) throw invalid(`${field} in Healthcheck cannot be less than 1ms`);
    }
    if ((check.Retries ?? 0) < 0) throw invalid('Retries in Healthcheck cannot be negative');
  }
  if (Buffer.byteLength(config.Hostname ?? '') > MAX_HOSTNAME) {
    throw invalid(`hostname "${config.Hostname}" is too long (maximum ${MAX_HOSTNAME} bytes)`);
  }
}

/** `80/tcp`; 0 is no port, but no reason to refuse, either. @throws Failure invalidParameter */
function checkPort(port: string): void {
  const [number = '', protocol = 'tcp'] = port.split(/\/(.*)/s);
  if (!/^\d*$/.test(number) || Number(number) > 65535) throw invalid(`invalid port specification: "${number}"`);
  if (!/^(tcp|udp|sctp)$/i.test(protocol)) throw invalid(`invalid port specification: "${port}"`);
}

function checkPortBindings(host: HostConfig): void {
  for (const [port, bindings] of Object.entries(host.PortBindings ?? {})) {
    checkPort(port);
    for (const { HostPort } of bindings ?? []) {
      if (!HostPort) continue;
      const range = /^(\d+)(?:-(\d+))?$/.exec(HostPort);
      const first = Number(range?.[1]);
      const last = Number(range?.[2] ?? range?.[1]);
      if (!range || first > 65535 || last > 65535 || last < first) throw invalid(`invalid port specification: "${HostPort}"`);
    }
  }
}

function checkRestartPolicy(host: HostConfig): void {
  const name = host.RestartPolicy?.Name ?? '';
  const count = host.RestartPolicy?.MaximumRetryCount ?? 0;
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(name)) {
    throw invalid(`invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  }
  if (name === 'on-failure') {
    if (count < 0) throw invalid('invalid restart policy: maximum retry count cannot be negative');
  } else if (count !== 0) {
    const also = count < 0 ? ' and cannot be negative' : '';
    throw invalid(`invalid restart policy: maximum retry count can only be used with 'on-failure'${also}`);
  }
  if (host.AutoRemove && hasPolicy(host.RestartPolicy)) throw invalid("can't create 'AutoRemove' container with restart policy");
}

const isContainerMode = (mode: string): boolean => /^container:.+/.test(mode);

/** Combinations that can't be. @throws Failure invalidParameter in dockerd's words */
function checkModes(config: ContainerConfig, host: HostConfig): void {
  const network = host.NetworkMode ?? '';
  if (network === 'container' || network.startsWith('container:')) {
    if (!isContainerMode(network)) throw invalid('invalid network mode: invalid container format container:<name|id>');
    if (config.Hostname) throw invalid('conflicting options: hostname and the network mode');
    if (host.Links?.length) {
      throw invalid("conflicting options: container type network can't be used with links. This would result in undefined behavior");
    }
    if (host.Dns?.length) throw invalid('conflicting options: dns and the network mode');
    if (host.ExtraHosts?.length) throw invalid('conflicting options: custom host-to-IP mapping and the network mode');
    if (config.MacAddress) throw invalid('conflicting options: mac-address and the network mode');
    if (Object.keys(host.PortBindings ?? {}).length || host.PublishAllPorts) {
      throw invalid('conflicting options: port publishing and the container type network mode');
    }
    if (Object.keys(config.ExposedPorts ?? {}).length) {
      throw invalid('conflicting options: port exposing and the container type network mode');
    }
  }
  if (host.UTSMode === 'host' && config.Hostname) throw invalid('conflicting options: hostname and the UTS mode');
  if (network === 'host' && host.Links?.length) {
    throw invalid("conflicting options: host type networking can't be used with links. This would result in undefined behavior");
  }
  const ipc = host.IpcMode ?? '';
  if (!['', 'none', 'private', 'shareable', 'host'].includes(ipc) && !isContainerMode(ipc)) throw invalid(`invalid IPC mode: ${ipc}`);
  const pid = host.PidMode ?? '';
  if (!['', 'host', 'private'].includes(pid) && !isContainerMode(pid)) throw invalid(`invalid PID mode: ${pid}`);
  const uts = host.UTSMode ?? '';
  if (!['', 'host'].includes(uts)) throw invalid(`invalid UTS mode: ${uts}`);
  const cgroupns = host.CgroupnsMode ?? '';
  if (!['', 'private', 'host'].includes(cgroupns)) throw invalid(`invalid cgroup namespace mode: ${cgroupns}`);
  const userns = host.UsernsMode ?? '';
  if (!['', 'host'].includes(userns)) throw invalid(`invalid user namespace mode: ${userns}`);
  if (!['', 'default'].includes((host.Isolation ?? '').toLowerCase())) {
    throw invalid(`invalid isolation (${host.Isolation}): linux only supports 'default'`);
  }
}

function checkExtraHost(entry: string): void {
  const match = /^([^:=]+)[:=](.+)$/.exec(entry);
  if (!match) throw invalid(`bad format for add-host: "${entry}"`);
  const address = (match[2] ?? '').replace(/^\[(.*)\]$/, '$1');
  if (address !== 'host-gateway' && !/^[0-9.]+$|^[0-9a-fA-F:.%]+$/.test(address))
    throw invalid(`invalid IP address in add-host: "${address}"`);
}

/** What the client asked of this host, apart from limits (see validate-resources.ts). @throws Failure invalidParameter */
export function validateHostConfig(config: ContainerConfig, host: HostConfig, runtimes: readonly string[]): string[] {
  const warnings: string[] = [];
  checkModes(config, host);
  for (const mount of host.Mounts ?? []) {
    parseMount(mount);
    if (mount.Type === 'image') warnings.push('Image mount is an experimental feature');
  }
  for (const entry of host.ExtraHosts ?? []) checkExtraHost(entry);
  checkPortBindings(host);
  checkRestartPolicy(host);
  normalizeCapabilities(host.CapAdd, 'CapAdd');
  normalizeCapabilities(host.CapDrop, 'CapDrop');
  parseSecurityOptions(host.SecurityOpt ?? []);
  for (const key of Object.keys(host.Annotations ?? {})) {
    if (key === '') throw invalid('invalid Annotations: the empty string is not permitted as an annotation key');
  }
  if ((host.ShmSize ?? 0) < 0) throw invalid('SHM size can not be less than 0');
  const score = host.OomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) throw invalid(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  for (const target of Object.keys(host.Tmpfs ?? {})) checkTmpfsTarget(target);
  if (host.Runtime && !runtimes.includes(host.Runtime)) throw invalid(`unknown or invalid runtime name: ${host.Runtime}`);
  checkLogConfig(host);
  if (host.NetworkMode === 'host' && Object.keys(host.PortBindings ?? {}).length) {
    warnings.push('Published ports are discarded when using host network mode');
  }
  return warnings;
}

/** MAC addresses of a create request, which must agree. @throws Failure invalidParameter */
export function validateEndpoints(request: ContainerCreateRequest): Record<string, EndpointSettings> {
  const endpoints: Record<string, EndpointSettings> = {};
  for (const [name, settings] of Object.entries(request.NetworkingConfig?.EndpointsConfig ?? {})) {
    endpoints[name] = settings ?? {};
    const mac = settings?.MacAddress;
    if (mac && !/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(mac)) {
      throw invalid(`invalid endpoint settings:\ninvalid MAC address: ${mac}`);
    }
  }
  if (request.MacAddress && !/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(request.MacAddress)) {
    throw invalid(`${request.MacAddress} is not a valid mac address`);
  }
  return endpoints;
}

/** The name a container has when none is asked for. */
export function hostName(host: HostConfig, id: string): string {
  return host.NetworkMode === 'host' || host.UTSMode === 'host' ? os.hostname() : id.slice(0, 12);
}
