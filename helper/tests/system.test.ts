import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINE, onGantry, startEngine, type TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ image: false });
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

describe(`system on ${ENGINE}`, () => {
  it('ping says OK and which versions it speaks', async () => {
    const ping = await engine.client.get('/_ping');
    expect(ping).toMatchObject({ status: 200, text: 'OK' });
    expect(ping.headers['api-version']).toMatch(/^1\.\d+$/);
    expect(ping.headers.ostype).toBe('linux');
    expect((await engine.client.ask('HEAD', '/_ping')).headers['content-length']).toBe('0');
  });

  it('version names the engine and its components', async () => {
    const { json } = await engine.client.get('/version');
    expect(json).toMatchObject({
      Os: 'linux',
      Arch: expect.any(String),
      KernelVersion: expect.stringMatching(/^\d+\./),
      GoVersion: expect.any(String),
    });
    expect(json.Components[0]).toMatchObject({ Name: 'Engine', Version: json.Version, Details: { ApiVersion: json.ApiVersion } });
    if (onGantry) expect(json.Components.map(({ Name }: { Name: string }) => Name)).toContain('conmon');
  });

  it('info has every field that docker info prints', async () => {
    const { json } = await engine.client.get('/info');
    for (const field of [
      ...['ID', 'Containers', 'ContainersRunning', 'ContainersPaused', 'ContainersStopped', 'Images', 'Driver', 'DriverStatus', 'Plugins'],
      ...['MemoryLimit', 'SwapLimit', 'CpuCfsPeriod', 'CpuCfsQuota', 'CPUShares', 'CPUSet', 'PidsLimit', 'IPv4Forwarding', 'Debug', 'NFd'],
      ...['OomKillDisable', 'NGoroutines', 'SystemTime', 'LoggingDriver', 'CgroupDriver', 'CgroupVersion', 'NEventsListener'],
      ...[
        'KernelVersion',
        'OperatingSystem',
        'OSVersion',
        'OSType',
        'Architecture',
        'IndexServerAddress',
        'RegistryConfig',
        'NCPU',
        'MemTotal',
      ],
      ...[
        'GenericResources',
        'DockerRootDir',
        'HttpProxy',
        'HttpsProxy',
        'NoProxy',
        'Name',
        'Labels',
        'ExperimentalBuild',
        'ServerVersion',
      ],
      ...['Runtimes', 'DefaultRuntime', 'Swarm', 'LiveRestoreEnabled', 'Isolation', 'InitBinary', 'ContainerdCommit', 'RuncCommit'],
      ...['InitCommit', 'SecurityOptions', 'Warnings'],
    ]) {
      expect(json, field).toHaveProperty(field);
    }
    const info = await engine.docker(['info']);
    expect(info.code).toBe(0);
    expect(info.stdout).toContain('Storage Driver: overlay2');
    expect(info.stderr).not.toMatch(/error/i);
  });

  it('info has for older clients what their version has', async () => {
    const at = async (version: string) => (await engine.at(version).get('/info')).json;
    if (!onGantry) return;
    expect((await at('1.24')).SecurityOptions).toContain('seccomp');
    expect((await at('1.48')).RegistryConfig).toHaveProperty('AllowNondistributableArtifactsCIDRs', null);
    expect((await at('1.49')).RegistryConfig).not.toHaveProperty('AllowNondistributableArtifactsCIDRs');
    expect((await at('1.50')).SecurityOptions).toContain('name=seccomp,profile=builtin');
  });

  it('df is complete, and has only what was asked for', async () => {
    const { json } = await engine.client.get('/system/df');
    for (const field of ['LayersSize', 'Images', 'Containers', 'Volumes', 'BuildCache']) expect(json).toHaveProperty(field);
    expect((await engine.docker(['system', 'df'])).stdout).toMatch(/Images\s+0\s+0/);
  });

  it('the CLI prunes everything without complaint', async () => {
    const pruned = await engine.docker(['system', 'prune', '-af', '--volumes']);
    expect(pruned).toMatchObject({ code: 0, stdout: expect.stringContaining('Total reclaimed space: 0B') });
  });

  it('is not in swarm mode and has no plugins', async () => {
    expect((await engine.client.get('/nodes')).status).toBe(503);
    expect((await engine.client.get('/plugins')).json).toEqual([]);
  });
});
