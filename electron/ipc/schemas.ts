import * as v from 'valibot';
import type {
  ConnectAnswer,
  HostColour,
  NewCertificates,
  NewSocketHost,
  NewSshHost,
  NewTcpHost,
  OpenHostShell,
  OpenLogs,
  OpenTerminal,
  OpenTunnel,
  Settings,
  StartBatch,
  StartTransfer,
  TcpSecurity,
  TransferSource,
} from './contract.ts';

/** Checks of what the renderer sends, beside the types in contract.ts. Everything else is refused. */

export const COLOURS = ['violet', 'blue', 'teal', 'green', 'amber', 'orange', 'red', 'grey'] as const satisfies readonly HostColour[];

const name = v.pipe(v.string(), v.trim(), v.minLength(1, 'A host needs a name'), v.maxLength(100, 'A name has at most 100 characters'));
const colour = v.picklist(COLOURS);
export const id = v.pipe(v.string(), v.minLength(1), v.maxLength(256), v.regex(/^[\w.:-]+$/));
const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000));

const socketPath = v.pipe(
  v.string(),
  v.trim(),
  v.regex(/^\/[^\0-\x1f]*$/, "A socket's path begins with /"),
  v.maxLength(107, "A socket's path has at most 107 characters"),
);
export const optionalPath = v.optional(socketPath);
export const newSocketHost = v.strictObject({ name, colour, socketPath }) satisfies v.GenericSchema<NewSocketHost>;
export const newSshHost = v.strictObject({ name, colour, socketPath, attempt: id }) satisfies v.GenericSchema<NewSshHost>;
export const newTcpHost = v.strictObject({ name, colour, attempt: id }) satisfies v.GenericSchema<NewTcpHost>;
/** A file or folder of this machine, on any system. */
const absolute = v.pipe(
  v.string(),
  v.trim(),
  v.regex(/^(\/|[A-Za-z]:[\\/]|\\\\)[^\0]*$/, 'The path of a file begins at the root'),
  v.maxLength(4096),
);
export const optionalFolder = v.optional(absolute);
const tls = v.pipe(
  v.strictObject({ kind: v.literal('tls'), ca: v.optional(absolute), cert: v.optional(absolute), key: v.optional(absolute) }),
  v.check(({ cert, key }) => (cert === undefined) === (key === undefined), 'A certificate needs its key, and a key its certificate'),
);
export const tcpSecurity = v.union([tls, v.strictObject({ kind: v.literal('none') })]) satisfies v.GenericSchema<TcpSecurity>;
export const newCertificates = v.union([
  v.strictObject({ attempt: id }),
  v.strictObject({ security: tcpSecurity }),
]) satisfies v.GenericSchema<NewCertificates>;
export const address = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(1024));
export const connectAnswer = v.nullable(
  v.strictObject({ values: v.pipe(v.array(v.pipe(v.string(), v.maxLength(4096))), v.maxLength(16)), remember: v.boolean() }),
) satisfies v.GenericSchema<ConnectAnswer | null>;

export const installTarget = v.union([v.strictObject({ attempt: id }), v.strictObject({ host: id })]);
export const installAction = v.picklist(['install', 'upgrade', 'uninstall']);
export const yesOrNo = v.boolean();

export const hostChange = v.strictObject({
  name: v.optional(name),
  colour: v.optional(colour),
  readOnly: v.optional(v.boolean()),
  production: v.optional(v.boolean()),
});
export const confirmed = v.optional(name);

export const openTerminal = v.strictObject({
  hostId: id,
  containerId: id,
  containerName: v.pipe(v.string(), v.maxLength(256)),
  mode: v.picklist(['exec', 'attach']),
  command: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(65536))), v.minLength(1), v.maxLength(1000))),
  cols: size,
  rows: size,
}) satisfies v.GenericSchema<unknown, Omit<OpenTerminal, 'command'> & { command?: string[] | undefined }>;

export const openHostShell = v.strictObject({ hostId: id, cols: size, rows: size }) satisfies v.GenericSchema<OpenHostShell>;

export const openLogs = v.strictObject({
  hostId: id,
  containerId: id,
  tail: v.union([v.literal('all'), v.pipe(v.number(), v.integer(), v.minValue(0))]),
  follow: v.boolean(),
  timestamps: v.boolean(),
  since: v.optional(v.pipe(v.string(), v.maxLength(64))),
}) satisfies v.GenericSchema<unknown, Omit<OpenLogs, 'since'> & { since?: string | undefined }>;

export const openTunnel = v.strictObject({
  hostId: id,
  containerId: id,
  containerName: id,
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535)),
}) satisfies v.GenericSchema<OpenTunnel>;

const objectName = v.pipe(v.string(), v.minLength(1), v.maxLength(1024));
export const transferSource = v.strictObject({
  kind: v.picklist(['image', 'container', 'volume']),
  hostId: id,
  id: objectName,
  name: objectName,
}) satisfies v.GenericSchema<TransferSource>;
const transferWays = { to: id, move: v.boolean(), start: v.boolean(), pause: v.boolean(), remove: v.boolean() };
export const startTransfer = v.strictObject({
  source: transferSource,
  name: v.optional(v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(255))),
  useVolumes: v.pipe(v.array(objectName), v.maxLength(1000)),
  ...transferWays,
}) satisfies v.GenericSchema<unknown, Omit<StartTransfer, 'name'> & { name?: string | undefined }>;
export const startBatch = v.strictObject({
  sources: v.pipe(v.array(transferSource), v.minLength(1), v.maxLength(1000)),
  ...transferWays,
}) satisfies v.GenericSchema<StartBatch>;

export const pickPath = v.strictObject({ kind: v.picklist(['folder', 'file']), title: v.pipe(v.string(), v.maxLength(200)) });
export const saveText = v.strictObject({
  title: v.pipe(v.string(), v.maxLength(200)),
  name: v.pipe(v.string(), v.maxLength(255)),
  text: v.pipe(v.string(), v.maxLength(256 * 1024 * 1024)),
});
export const clipboardText = v.pipe(v.string(), v.maxLength(64 * 1024 * 1024));
function isWebAddress(text: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

export const webAddress = v.pipe(
  v.string(),
  v.maxLength(4096),
  v.check((text) => isWebAddress(text), 'Only http and https addresses can be opened'),
);

const known = {
  theme: v.picklist(['system', 'light', 'dark']),
  language: v.picklist(['system', 'en', 'zh']),
  density: v.picklist(['normal', 'dense']),
  terminalFontSize: v.pipe(v.number(), v.minValue(6), v.maxValue(40)),
  selectedHost: v.pipe(v.string(), v.maxLength(64)),
  railFolded: v.boolean(),
};

/** What the renderer keeps for itself under `ui.…`: any JSON, bounded. */
function uiOnly(value: Record<string, unknown>): boolean {
  const names = Object.keys(value).every((key) => key in known || /^ui\.[\w.-]{1,64}$/.test(key));
  return names && JSON.stringify(value).length <= 1024 * 1024;
}
const UI_MESSAGE = 'Unknown setting, or too large';

// The index signature of Settings (`ui.${string}`) can't be said in a schema; uiOnly holds it.
export const settings = v.pipe(v.looseObject(known as v.ObjectEntries), v.check(uiOnly, UI_MESSAGE)) as unknown as v.GenericSchema<
  unknown,
  Settings
>;
export const settingsChange = v.pipe(
  v.looseObject(v.partial(v.object(known)).entries as v.ObjectEntries),
  v.check(uiOnly, UI_MESSAGE),
) as unknown as v.GenericSchema<unknown, Partial<Settings>>;
