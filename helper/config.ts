import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import type { DaemonConfig } from './engine/context.ts';
import { Failure, messageOf } from './engine/failure.ts';

/**
 * The configuration file: JSON with dockerd's keys (daemon.json) where they exist. An unknown key or a wrong type is an
 * error that names the key, as dockerd does it; nothing is ignored silently.
 */
const LEVEL = v.picklist(['debug', 'info', 'warn', 'error']);
const TEXTS = v.array(v.string());
const ULIMIT = v.object({ Name: v.optional(v.string()), Soft: v.number(), Hard: v.number() });

const FILE = v.strictObject({
  'registry-mirrors': v.optional(TEXTS),
  'insecure-registries': v.optional(TEXTS),
  bip: v.optional(v.string()),
  dns: v.optional(TEXTS),
  'dns-search': v.optional(TEXTS),
  'dns-opts': v.optional(TEXTS),
  'log-level': v.optional(LEVEL),
  'log-format': v.optional(v.picklist(['text', 'json'])),
  'log-driver': v.optional(v.string()),
  'log-opts': v.optional(v.record(v.string(), v.string())),
  'default-address-pools': v.optional(v.array(v.object({ base: v.string(), size: v.number() }))),
  'max-concurrent-downloads': v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  'max-concurrent-uploads': v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  'default-runtime': v.optional(v.picklist(['crun', 'runc'])),
  'default-shm-size': v.optional(v.union([v.string(), v.number()])),
  'default-ulimits': v.optional(v.record(v.string(), ULIMIT)),
  'shutdown-timeout': v.optional(v.number()),
  'live-restore': v.optional(v.boolean()),
  ipv6: v.optional(v.boolean()),
  icc: v.optional(v.boolean()),
  'userland-proxy': v.optional(v.boolean()),
  labels: v.optional(TEXTS),
  debug: v.optional(v.boolean()),
});
type File = v.InferOutput<typeof FILE>;

/** All keys that a configuration file may have, for --help and the documentation's test. */
export const CONFIG_KEYS = Object.keys(FILE.entries);

/** @throws Failure invalidParameter that names the file and the key */
export function readConfigFile(file: string): File {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure('invalidParameter', `unable to read the configuration file ${file}: ${messageOf(error)}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Failure('invalidParameter', `unable to configure the engine with file ${file}: invalid JSON: ${messageOf(error)}`);
  }
  const result = v.safeParse(FILE, value);
  if (result.success) return result.output;
  const issues = result.issues.map((issue) => {
    const key = v.getDotPath(issue) ?? '';
    return issue.type === 'strict_object' && issue.expected === 'never'
      ? `the following directives don't match any configuration option: ${key}`
      : `${key}: ${issue.message}`;
  });
  throw new Failure('invalidParameter', `unable to configure the engine with file ${file}: ${issues.join('; ')}`);
}

/** Defaults filled in. */
export function resolveConfig(file: File = {}): DaemonConfig {
  return {
    registryMirrors: file['registry-mirrors'] ?? [],
    insecureRegistries: file['insecure-registries'] ?? [],
    ...(file.bip === undefined ? {} : { bip: file.bip }),
    dns: file.dns ?? [],
    dnsSearch: file['dns-search'] ?? [],
    dnsOptions: file['dns-opts'] ?? [],
    logLevel: file.debug ? 'debug' : (file['log-level'] ?? 'info'),
    logFormat: file['log-format'] ?? 'text',
    logDriver: file['log-driver'] ?? 'json-file',
    logOpts: file['log-opts'] ?? {},
    defaultAddressPools: file['default-address-pools'] ?? [],
    maxConcurrentDownloads: file['max-concurrent-downloads'] ?? 6,
    maxConcurrentUploads: file['max-concurrent-uploads'] ?? 5,
    defaultRuntime: file['default-runtime'] ?? 'crun',
    defaultShmSize: bytes(file['default-shm-size'], 64 * 1024 * 1024),
    defaultUlimits: Object.fromEntries(
      Object.entries(file['default-ulimits'] ?? {}).map(([name, limit]) => [
        name,
        { Name: limit.Name ?? name, Soft: limit.Soft, Hard: limit.Hard },
      ]),
    ),
    shutdownTimeout: file['shutdown-timeout'] ?? 15,
    liveRestore: file['live-restore'] ?? true,
    ipv6: file.ipv6 ?? false,
    icc: file.icc ?? true,
    userlandProxy: file['userland-proxy'] ?? true,
    labels: file.labels ?? [],
    debug: file.debug ?? false,
  };
}

const UNITS: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `64M`, `1g`, `67108864` */
function bytes(value: string | number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number') return value;
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(value.trim());
  if (!match) throw new Failure('invalidParameter', `default-shm-size: invalid size: '${value}'`);
  return Math.round(Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] ?? 1));
}
