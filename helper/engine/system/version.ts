import os from 'node:os';
import type { VersionInfo } from '../../contract/docker/index.ts';
import { goArchitecture } from './host.ts';
import type { Component } from './types.ts';

export interface VersionSources {
  serverVersion: string;
  apiVersion: string;
  minApiVersion: string;
  gitCommit: string;
  /** RFC 3339; '' when unknown. */
  buildTime: string;
  components: readonly Component[];
  experimental: boolean;
}

/** `GET /version`. GoVersion names what runs us, since clients print it as the engine's platform. */
export function versionInfo(sources: VersionSources): VersionInfo {
  const common = {
    ApiVersion: sources.apiVersion,
    Arch: goArchitecture(),
    BuildTime: sources.buildTime,
    GitCommit: sources.gitCommit,
    GoVersion: `node${process.versions.node}`,
    KernelVersion: os.release(),
    MinAPIVersion: sources.minApiVersion,
    Os: 'linux',
  };
  return {
    Platform: { Name: 'Gantry' },
    Components: [
      { Name: 'Engine', Version: sources.serverVersion, Details: { ...common, Experimental: String(sources.experimental) } },
      ...sources.components.map(({ name, version, details = {} }) => ({
        Name: name,
        Version: version,
        Details: { GitCommit: '', ...details },
      })),
    ],
    Version: sources.serverVersion,
    ...common,
    ...(sources.experimental ? { Experimental: true } : {}),
  };
}
