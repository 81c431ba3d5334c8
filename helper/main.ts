import { existsSync } from 'node:fs';
import { type Arguments, HELP, readArguments } from './arguments.ts';
import { readConfigFile, resolveConfig } from './config.ts';
import { messageOf } from './engine/failure.ts';
import { enterPrivateMounts } from './system/namespace/index.ts';
import { VERSION } from './version.ts';

/** gantryd: see HELP in arguments.ts. Exit codes: 0, 1 for a failure, 2 for wrong arguments or configuration. */
const DEFAULT_CONFIG = '/etc/gantry/daemon.json';

function fail(message: string, code: 1 | 2): never {
  process.stderr.write(`gantryd: ${message}\n`);
  process.exit(code);
}

function configuration(options: Arguments): ReturnType<typeof resolveConfig> {
  const file = options.config ?? (existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : undefined);
  const config = resolveConfig(file === undefined ? {} : readConfigFile(file));
  if (options.logLevel) config.logLevel = options.logLevel;
  if (options.logFormat) config.logFormat = options.logFormat;
  return config;
}

async function main(): Promise<void> {
  let options: Arguments;
  let config: ReturnType<typeof resolveConfig>;
  try {
    options = readArguments(process.argv.slice(2));
    if (options.action === 'help') return void process.stdout.write(HELP);
    if (options.action === 'version') return void process.stdout.write(`gantryd ${VERSION}\n`);
    config = configuration(options);
    if (options.action === 'check-config') return void process.stdout.write('configuration OK\n');
  } catch (error) {
    fail(messageOf(error), 2);
  }
  if (process.platform !== 'linux') fail('the engine runs on Linux only; on other systems add a Linux host', 1);
  if (process.geteuid?.() !== 0) fail('the engine needs root: start it with sudo, or by its systemd unit', 1);
  try {
    enterPrivateMounts(options.run);
  } catch (error) {
    fail(`can't make a mount namespace: ${messageOf(error)}. The engine needs CAP_SYS_ADMIN.`, 1);
  }
  // Only now: what is above runs twice.
  const { serve } = await import('./serve.ts');
  try {
    await serve(options, config, () => configuration(options));
  } catch (error) {
    fail(messageOf(error), 1);
  }
}

void main();
