import { parseArgs } from 'node:util';
import { CONFIG_KEYS } from './config.ts';
import { Failure, messageOf } from './engine/failure.ts';

export interface Arguments {
  socket: string;
  data: string;
  run: string;
  config: string | undefined;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | undefined;
  logFormat: 'text' | 'json' | undefined;
  action: 'serve' | 'help' | 'version' | 'check-config';
}

export const HELP = `gantryd: Gantry's container engine. Speaks the Docker Engine API.

Usage: gantryd [options]

  --socket PATH       Unix socket to listen on             (default /run/gantry/gantry.sock)
  --data DIR          durable state: images, volumes, …    (default /var/lib/gantry)
  --run DIR           state for the life of the boot       (default /run/gantry)
  --config FILE       configuration in daemon.json's form  (default /etc/gantry/daemon.json, if it exists)
  --log-level LEVEL   debug, info, warn or error           (default info)
  --log-format FORM   text or json                         (default text)
  --check-config      read the configuration, say what is wrong with it, and exit
  --version           print the version and exit
  --help              print this and exit

Configuration keys: ${CONFIG_KEYS.join(', ')}

Signals: SIGTERM and SIGINT stop the engine (containers run on, unless "live-restore" is false); SIGHUP reads the
configuration again. Use it with any Docker client: docker -H unix:///run/gantry/gantry.sock ps
`;

/** @throws Failure invalidParameter with a sentence for the user */
export function readArguments(argv: string[]): Arguments {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: argv,
      allowPositionals: false,
      options: {
        socket: { type: 'string' },
        data: { type: 'string' },
        run: { type: 'string' },
        config: { type: 'string' },
        'log-level': { type: 'string' },
        'log-format': { type: 'string' },
        'check-config': { type: 'boolean' },
        version: { type: 'boolean', short: 'v' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new Failure('invalidParameter', `${messageOf(error)}\nSee 'gantryd --help'.`);
  }
  return {
    socket: text(values.socket) ?? '/run/gantry/gantry.sock',
    data: text(values.data) ?? '/var/lib/gantry',
    run: text(values.run) ?? '/run/gantry',
    config: text(values.config),
    logLevel: oneOf('--log-level', values['log-level'], ['debug', 'info', 'warn', 'error'] as const),
    logFormat: oneOf('--log-format', values['log-format'], ['text', 'json'] as const),
    action: values.help ? 'help' : values.version ? 'version' : values['check-config'] ? 'check-config' : 'serve',
  };
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function oneOf<T extends string>(name: string, value: string | boolean | undefined, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  if (!allowed.includes(value as T)) throw new Failure('invalidParameter', `${name}: '${value}' is none of ${allowed.join(', ')}`);
  return value as T;
}
