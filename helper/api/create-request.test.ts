import { describe, expect, it } from 'vitest';
import type { ContainerCreateRequest } from '../contract/docker/index.ts';
import { createRequest } from './create-request.ts';

const SYSCTLS = 'com.docker.network.endpoint.sysctls';
const host = (request: ContainerCreateRequest, version: number) => createRequest(request, version).request.HostConfig ?? {};

describe('a create request of an older client', () => {
  it('has no fields that its version did not know', () => {
    const given = { HostConfig: { AutoRemove: true, KernelMemoryTCP: 8e6, KernelMemory: 8e6, Annotations: { a: 'b' } } };
    expect(host(given, 24)).toMatchObject({ AutoRemove: false, KernelMemory: 8e6, IpcMode: 'shareable' });
    expect(host(given, 24)).not.toHaveProperty('KernelMemoryTCP');
    expect(host(given, 41)).toMatchObject({ AutoRemove: true, KernelMemory: 8e6, KernelMemoryTCP: 8e6 });
    expect(host(given, 42)).not.toHaveProperty('KernelMemory');
    expect(host(given, 42)).not.toHaveProperty('Annotations');
    expect(host(given, 43)).toHaveProperty('Annotations');
  });

  it('has no priority of a gateway before 1.48', () => {
    const given = () => ({ HostConfig: { NetworkMode: 'a' }, NetworkingConfig: { EndpointsConfig: { a: { GwPriority: 5 } } } });
    const endpoint = (version: number) => createRequest(given(), version).request.NetworkingConfig?.EndpointsConfig?.a;
    expect([47, 48].map((version) => endpoint(version)?.GwPriority)).toEqual([undefined, 5]);
  });

  it('may force read-only recursion from 1.44 on', () => {
    const given = (Type: 'bind' | 'volume') => ({ HostConfig: { Mounts: [{ Type, BindOptions: { ReadOnlyForceRecursive: true } }] } });
    expect(() => createRequest(given('bind'), 43)).toThrow('BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer');
    expect(() => createRequest(given('bind'), 44)).not.toThrow();
  });
});

describe('sysctls of an interface', () => {
  const given = (more: Record<string, string> = {}, driverOpts?: Record<string, string>): ContainerCreateRequest => ({
    HostConfig: { NetworkMode: 'mine', Sysctls: { 'net.ipv4.conf.eth0.log_martians': '1', 'net.ipv4.ip_forward': '1', ...more } },
    ...(driverOpts ? { NetworkingConfig: { EndpointsConfig: { mine: { DriverOpts: driverOpts } } } } : {}),
  });

  it('become an option of the endpoint, before those that are given there, with a warning', () => {
    const { request, warnings } = createRequest(given({}, { [SYSCTLS]: 'net.ipv4.conf.IFNAME.rp_filter=0' }), 47);
    const moved = 'net.ipv4.conf.IFNAME.log_martians=1';
    expect(request.HostConfig?.Sysctls).toEqual({ 'net.ipv4.ip_forward': '1' });
    expect(request.NetworkingConfig?.EndpointsConfig?.mine?.DriverOpts).toEqual({ [SYSCTLS]: `${moved},net.ipv4.conf.IFNAME.rp_filter=0` });
    expect(warnings).toEqual([`Migrated sysctl "net.ipv4.conf.eth0.log_martians" to DriverOpts{"${SYSCTLS}":"${moved}"}.`]);
  });

  it('are refused for another interface, from 1.48 on for all', () => {
    expect(() => createRequest(given({ 'net.ipv4.conf.eth1.rp_filter': '0' }), 47)).toThrow(
      `unable to determine network endpoint for sysctl net.ipv4.conf.eth1.rp_filter, use driver option '${SYSCTLS}' to set per-interface sysctls`,
    );
    expect(() => createRequest(given(), 48)).toThrow(
      `interface specific sysctl setting "net.ipv4.conf.eth0.log_martians" must be supplied using driver option '${SYSCTLS}'`,
    );
    const inHost = { HostConfig: { NetworkMode: 'host', Sysctls: { 'net.ipv4.conf.eth0.log_martians': '1' } } };
    expect(createRequest(inHost, 48).warnings).toEqual([]);
  });
});
