import { existsSync } from 'node:fs';
import type { Arguments } from './arguments.ts';
import { type File, mergeFlags, readConfigFile, resolveConfig, type Settings } from './config/index.ts';
import { findProgram } from './system/process/find-program.ts';

const DEFAULT_CONFIG = '/etc/gantry/daemon.json';

export interface Configuration {
  file: File;
  settings: Settings;
  /** The file it came from; undefined: there is none. */
  path: string | undefined;
}

/** What the arguments and the file say together. @throws Failure invalidParameter that names the key, or the file */
export function configuration(options: Arguments): Configuration {
  const path = options.config ?? (existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : undefined);
  const file = mergeFlags(options.flags, path === undefined ? {} : readConfigFile(path), path ?? '');
  return { file, settings: resolveConfig(file, usualRuntime()), path };
}

/** crun, and runc where only that is installed. */
function usualRuntime(): string {
  return findProgram('crun') === undefined && findProgram('runc') !== undefined ? 'runc' : 'crun';
}
