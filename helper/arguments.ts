import { parseArgs } from 'node:util';
import { check, DEFAULT_SOCKET, type File, type Flag, KEYS, type Key } from './config/index.ts';
import { Failure, messageOf } from './engine/failure.ts';

export interface Arguments {
  /** Given by hand: listened to beside what `hosts` says. */
  socket: string | undefined;
  /** Owner of the Unix sockets: a user id. Default root. */
  socketUser: number | undefined;
  /** Given by hand: these win over the file's data-root and exec-root. */
  data: string | undefined;
  run: string | undefined;
  /** Given by hand: it must exist then. */
  config: string | undefined;
  /** dockerd's flags, as the file would say them. */
  flags: File;
  action: 'serve' | 'help' | 'version' | 'check-config';
}

/** Ours; all others are keys of the configuration. */
const OWN = {
  socket: { takes: 'text', text: `Unix socket to listen on (default ${DEFAULT_SOCKET})` },
  'socket-user': { takes: 'text', text: 'user id that owns the Unix sockets: may do all that root may (default 0)' },
  data: { takes: 'text', text: 'the same as --data-root, whatever the file says' },
  run: { takes: 'text', text: 'the same as --exec-root, whatever the file says' },
  config: { takes: 'text', text: 'configuration file (default /etc/gantry/daemon.json, if it exists)' },
  'config-file': { takes: 'text', text: 'the same' },
  'check-config': { takes: 'nothing', text: 'read the configuration, say what is wrong with it, and exit with 0 or 1' },
  validate: { takes: 'nothing', text: 'the same' },
  version: { takes: 'nothing', short: 'v', text: 'print the version and exit' },
  help: { takes: 'nothing', short: 'h', text: 'print this and exit' },
} as const satisfies Record<string, { takes: Flag['takes']; short?: string; text: string }>;

interface Option {
  name: string;
  short: string | undefined;
  takes: Flag['takes'];
  text: string;
  key: Key | undefined;
}

const OPTIONS: Option[] = [
  ...Object.entries(OWN).map(([name, own]) => ({ name, short: 'short' in own ? own.short : undefined, ...own, key: undefined })),
  ...(Object.keys(KEYS) as Key[]).flatMap((key) => {
    const { flag, members = [], text, noEffect } = KEYS[key];
    if (!flag) return members.map((name) => ({ name, short: undefined, takes: 'member' as const, text: `${name} of ${key}`, key }));
    return [{ name: flag.name ?? key, short: flag.short, takes: flag.takes, text: noEffect ? `no effect: ${text}` : text, key }];
  }),
];

const ARGUMENT = {
  nothing: '',
  text: ' TEXT',
  number: ' NUMBER',
  list: ' TEXT …',
  map: ' NAME=TEXT …',
  maps: ' NAME=OPTION=TEXT …',
  pools: ' base=SUBNET,size=NUMBER …',
  ulimits: ' NAME=SOFT[:HARD] …',
  switches: ' NAME[=true|false] …',
  member: ' TEXT',
} as const;

function optionLine({ name, short, takes, text }: Option): string {
  return `  ${`${short ? `-${short}, ` : '    '}--${name}${ARGUMENT[takes]}`.padEnd(43)} ${text}`;
}

const COLUMNS = 100;
const fileOnly = (Object.keys(KEYS) as Key[]).filter((key) => !KEYS[key].flag && !KEYS[key].members && !KEYS[key].noEffect);

export const HELP = `gantryd: Gantry's container engine. Speaks the Docker Engine API.

Usage: gantryd [options]
       gantryd dial-stdio [--socket PATH]   joins stdin and stdout to the engine's socket

${OPTIONS.filter(({ key }) => key === undefined)
  .map(optionLine)
  .join('\n')}

Options that the configuration file has, too (there by dockerd's names in the plural); an option that is in both is refused:

${OPTIONS.filter(({ key }) => key !== undefined)
  .map(optionLine)
  .join('\n')}

${wrap(`In the file only: ${fileOnly.join(', ')}`)}

Signals: SIGTERM and SIGINT stop the engine (containers run on, unless "live-restore" is false); SIGHUP reads the
configuration again. Use it with any Docker client: docker -H unix://${DEFAULT_SOCKET} ps
`;

function wrap(text: string): string {
  return text.replace(new RegExp(`(.{1,${COLUMNS}})(?: |$)`, 'g'), '$1\n').trimEnd();
}

function refuse(why: string): Failure {
  return new Failure('invalidParameter', `${why}\nSee 'gantryd --help'.`);
}

/** @throws Failure invalidParameter with a sentence for the user */
export function readArguments(argv: string[]): Arguments {
  const own: Record<string, string> = {};
  const flags: Record<string, unknown> = {};
  for (const { option, value } of tokensOf(argv)) {
    if (option.key === undefined) own[option.name] = value ?? 'true';
    else flags[option.key] = add(flags[option.key], option, value);
  }
  const set = (name: keyof typeof OWN): boolean => own[name] !== undefined && own[name] !== 'false';
  return {
    socket: own.socket || undefined,
    socketUser: userId(own['socket-user']),
    data: own.data || undefined,
    run: own.run || undefined,
    config: own.config || own['config-file'] || undefined,
    flags: check(flags, refuse),
    action: set('help') ? 'help' : set('version') ? 'version' : set('check-config') || set('validate') ? 'check-config' : 'serve',
  };
}

function userId(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw refuse(`invalid argument "${text}" for "--socket-user" flag: should be a user id`);
  return Number(text);
}

function tokensOf(argv: string[]): { option: Option; value: string | undefined }[] {
  const options = Object.fromEntries(
    OPTIONS.map(({ name, short, takes }) => [
      name,
      { type: takes === 'nothing' ? ('boolean' as const) : ('string' as const), multiple: true, ...(short ? { short } : {}) },
    ]),
  );
  let tokens: ReturnType<typeof parseArgs<{ tokens: true; strict: false }>>['tokens'];
  try {
    ({ tokens } = parseArgs({ args: argv, options, strict: false, allowPositionals: true, tokens: true }));
  } catch (error) {
    throw refuse(messageOf(error));
  }
  return tokens.flatMap((token) => {
    if (token.kind === 'positional') throw refuse(`unknown command: ${token.value}`);
    if (token.kind === 'option-terminator') return [];
    const option = OPTIONS.find(({ name }) => name === token.name);
    if (!option) throw refuse(`unknown ${token.rawName.startsWith('--') ? 'flag' : 'shorthand flag'}: ${token.rawName}`);
    if (option.takes !== 'nothing' && token.value === undefined) throw refuse(`flag needs an argument: ${token.rawName}`);
    // `-H=…`, as Go's flags allow it.
    const value = token.rawName.startsWith('--') ? token.value : token.value?.replace(/^=/, '');
    return [{ option, value }];
  });
}

/** What a key has after one more of its flags. */
function add(before: unknown, { name, takes, key }: Option, value = 'true'): unknown {
  switch (takes) {
    case 'nothing':
      if (value !== 'true' && value !== 'false') throw refuse(`invalid argument "${value}" for "--${name}" flag: should be true or false`);
      return value === 'true';
    case 'number':
      if (!/^-?\d+$/.test(value)) throw refuse(`invalid argument "${value}" for "--${name}" flag: should be a whole number`);
      return Number(value);
    case 'list':
      return [...((before as string[] | undefined) ?? []), value];
    case 'map': {
      const at = value.indexOf('=');
      if (at < 1) throw refuse(`invalid argument "${value}" for "--${name}" flag: should be NAME=VALUE`);
      const text = value.slice(at + 1);
      return { ...(before as object | undefined), [value.slice(0, at)]: key === 'runtimes' ? { path: text } : text };
    }
    case 'pools':
      return [...((before as object[] | undefined) ?? []), pool(name, value)];
    case 'maps': {
      const [outer = '', inner = '', ...rest] = value.split('=');
      if (!outer || !inner || rest.length === 0) {
        throw refuse(`invalid argument "${value}" for "--${name}" flag: should be NAME=OPTION=VALUE`);
      }
      const all = before as Record<string, object> | undefined;
      return { ...all, [outer]: { ...all?.[outer], [inner]: rest.join('=') } };
    }
    case 'ulimits': {
      const [, limit = '', soft = '', hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(value) ?? [];
      if (!limit) throw refuse(`invalid argument "${value}" for "--${name}" flag: should be NAME=SOFT[:HARD]`);
      return { ...(before as object | undefined), [limit]: { Name: limit, Soft: Number(soft), Hard: Number(hard) } };
    }
    case 'switches': {
      const [, feature = '', on = 'true'] = /^([^=]+)(?:=(true|false))?$/.exec(value) ?? [];
      if (!feature) throw refuse(`invalid argument "${value}" for "--${name}" flag: should be NAME, NAME=true or NAME=false`);
      return { ...(before as object | undefined), [feature]: on === 'true' };
    }
    case 'member':
      return { ...(before as object | undefined), [name]: value };
    case 'text':
      return value;
  }
}

/** `base=10.0.0.0/8,size=24` */
function pool(name: string, value: string): { base: string; size: number } {
  const fields = new Map(value.split(',').map((field) => [field.split('=', 1)[0]?.trim(), field.slice(field.indexOf('=') + 1).trim()]));
  const [base, size] = [fields.get('base'), Number(fields.get('size'))];
  if (!base || !Number.isInteger(size) || fields.size !== 2) {
    throw refuse(`invalid argument "${value}" for "--${name}" flag: should be base=SUBNET,size=NUMBER`);
  }
  return { base, size };
}
