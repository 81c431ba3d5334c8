import { dirname, resolve } from 'node:path';
import { type Arguments, HELP, readArguments } from './arguments.ts';
import { type Configuration, configuration } from './configuration.ts';
import { dialStdio } from './dial-stdio.ts';
import { messageOf } from './engine/failure.ts';
import { makeFolder } from './instance.ts';
import { readTls } from './listeners.ts';
import type { HostMounts } from './system/mount/index.ts';
import { enterPrivateMounts } from './system/namespace/index.ts';
import { BUILD, VERSION } from './version.ts';

/** gantryd: see HELP in arguments.ts. Exit codes: 0, 1 for a failure or a wrong configuration, 2 for wrong arguments. */
const DEFAULT_DATA = '/var/lib/gantry';
const DEFAULT_RUN = '/run/gantry';

function fail(message: string, code: 1 | 2): never {
  process.stderr.write(`gantryd: ${message}\n`);
  process.exit(code);
}

/** @throws what is wrong with the arguments */
function argumentsOf(argv: string[]): Arguments {
  try {
    return readArguments(argv);
  } catch (error) {
    return fail(messageOf(error), 2);
  }
}

/** What the files that the configuration names hold counts, too: the engine would not start with wrong ones. */
function checkConfig({ settings }: Configuration): void {
  try {
    readTls(settings.tls, (text) => process.stderr.write(`gantryd: warning: ${text}\n`));
  } catch (error) {
    fail(messageOf(error), 1);
  }
  process.stdout.write('configuration OK\n');
}

/** What the engine is made of, and what it was told by name. */
function usedFiles(options: Arguments, { path, settings }: Configuration): string[] {
  const sockets = settings.hosts.flatMap((address) => (address.kind === 'unix' ? [dirname(address.path)] : []));
  const files = [
    ...[process.execPath, process.argv[1], path, options.socket, settings.pidfile],
    ...[settings.tls?.ca, settings.tls?.cert, settings.tls?.key],
    ...Object.values(settings.engine.runtimes).map((runtime) => runtime.path),
    ...(process.env.PATH ?? '').split(':'),
  ];
  return [process.cwd(), ...sockets, ...files.flatMap((file) => (file ? [resolve(file)] : []))];
}

async function main(): Promise<void> {
  if (process.argv[2] === 'dial-stdio') return process.exit(await dialStdio(process.argv.slice(3)));
  const options = argumentsOf(process.argv.slice(2));
  if (options.action === 'help') return void process.stdout.write(HELP);
  if (options.action === 'version') return void process.stdout.write(`Gantry version ${VERSION}, build ${BUILD.commit || 'unknown'}\n`);
  let start: Configuration;
  try {
    start = configuration(options);
  } catch (error) {
    fail(messageOf(error), 1);
  }
  if (options.action === 'check-config') return checkConfig(start);
  if (process.platform !== 'linux') fail('the engine runs on Linux only; on other systems add a Linux host', 1);
  if (process.geteuid?.() !== 0) fail('the engine needs root: start it with sudo, or by its systemd unit', 1);
  const folders = {
    data: options.data ?? start.settings.dataRoot ?? DEFAULT_DATA,
    run: options.run ?? start.settings.execRoot ?? DEFAULT_RUN,
  };
  try {
    makeFolder('data-root', folders.data);
    makeFolder('exec-root', folders.run);
  } catch (error) {
    fail(messageOf(error), 1);
  }
  let host: HostMounts | undefined;
  try {
    host = enterPrivateMounts({ ...folders, used: usedFiles(options, start) });
  } catch (error) {
    fail(`can't make a mount namespace: ${messageOf(error)}. The engine needs CAP_SYS_ADMIN.`, 1);
  }
  // Only now: what is above runs twice.
  const { serve } = await import('./serve.ts');
  try {
    await serve({ folders, host, listening: options, start, reread: () => configuration(options) });
  } catch (error) {
    fail(messageOf(error), 1);
  }
}

void main();
