import * as v from 'valibot';
import { messageOf } from '../failure.ts';

const TEXT = v.string();
const NUMBER = v.pipe(v.number(), v.integer());
const ID = v.pipe(NUMBER, v.minValue(0), v.maxValue(0xffffffff));
const environment = v.pipe(
  v.array(TEXT),
  v.check(
    (list) => list.every((entry) => entry.indexOf('=') > 0),
    ({ input }) => `invalid environment variable "${input.find((entry) => entry.indexOf('=') <= 0)}"`,
  ),
);
const filled = (what: string) => v.pipe(TEXT, v.minLength(1, what));

const NODE = v.strictObject({
  path: filled('invalid (empty) device path'),
  hostPath: v.optional(TEXT),
  type: v.optional(v.picklist(['', 'b', 'c', 'u', 'p'])),
  major: v.optional(NUMBER),
  minor: v.optional(NUMBER),
  fileMode: v.optional(NUMBER),
  permissions: v.optional(
    v.pipe(
      TEXT,
      v.regex(/^[rwm]*$/, ({ input }) => `invalid permissions "${input}"`),
    ),
  ),
  uid: v.optional(ID),
  gid: v.optional(ID),
});
const HOOK = v.strictObject({
  hookName: v.picklist(['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']),
  path: filled('invalid hook with empty path'),
  args: v.optional(v.array(TEXT)),
  env: v.optional(environment),
  timeout: v.optional(NUMBER),
});
const MOUNT = v.strictObject({
  hostPath: filled('invalid mount, empty host path'),
  containerPath: filled('invalid mount, empty container path'),
  options: v.optional(v.array(TEXT)),
  type: v.optional(TEXT),
});
const RDT = v.strictObject({
  closID: v.optional(v.pipe(TEXT, v.regex(/^(?!\.{1,2}$)[^/\n]{0,4095}$/, 'invalid ClosID'))),
  l3CacheSchema: v.optional(TEXT),
  memBwSchema: v.optional(TEXT),
  enableCMT: v.optional(v.boolean()),
  enableMBM: v.optional(v.boolean()),
});
const EDITS = v.strictObject({
  env: v.optional(environment),
  deviceNodes: v.optional(v.array(NODE)),
  hooks: v.optional(v.array(HOOK)),
  mounts: v.optional(v.array(MOUNT)),
  intelRdt: v.optional(RDT),
  additionalGids: v.optional(v.array(ID)),
});
const ANNOTATIONS = v.optional(v.record(TEXT, TEXT));
const KIND = /^[A-Za-z](?:[\w.-]*[A-Za-z0-9])?\/[A-Za-z](?:[\w.-]*[A-Za-z0-9])?$/;
const NAME = /^[A-Za-z0-9](?:[\w.:-]*[A-Za-z0-9])?$/;
const SPEC = v.strictObject({
  cdiVersion: TEXT,
  kind: v.pipe(
    TEXT,
    v.regex(KIND, ({ input }) => `invalid kind "${input}": vendor/class, of letters, digits, "_", "-" and "."`),
  ),
  annotations: ANNOTATIONS,
  devices: v.pipe(
    v.array(
      v.strictObject({
        name: v.pipe(
          TEXT,
          v.regex(NAME, ({ input }) => `invalid device name "${input}"`),
        ),
        annotations: ANNOTATIONS,
        containerEdits: v.pipe(
          EDITS,
          v.check((edits) => Object.values(edits).some((value) => !Array.isArray(value) || value.length > 0), 'empty device edits'),
        ),
      }),
    ),
    v.minLength(1, 'no devices'),
    v.check((devices) => new Set(devices.map(({ name }) => name)).size === devices.length, 'two devices of one name'),
  ),
  containerEdits: v.optional(EDITS),
});

export type CdiSpec = v.InferOutput<typeof SPEC>;
export type CdiEdits = v.InferOutput<typeof EDITS>;

const VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.4.0', '0.5.0', '0.6.0', '0.7.0', '0.8.0', '1.0.0'];

/** The version that brought the newest of what a spec uses. */
function neededVersion({ kind, annotations, devices, containerEdits = {} }: CdiSpec): string {
  const all = [containerEdits, ...devices.map((device) => device.containerEdits)];
  if (all.some(({ intelRdt, additionalGids }) => intelRdt || additionalGids?.length)) return '0.7.0';
  const annotated = [annotations, ...devices.map((device) => device.annotations)].some((set) => set && Object.keys(set).length > 0);
  if (annotated || kind.split('/')[1]?.includes('.')) return '0.6.0';
  if (devices.some(({ name }) => /^\d/.test(name)) || all.some(({ deviceNodes }) => deviceNodes?.some(({ hostPath }) => hostPath)))
    return '0.5.0';
  return all.some(({ mounts }) => mounts?.some(({ type }) => type)) ? '0.4.0' : '0.3.0';
}

/**
 * The devices of a CDI spec file, JSON or YAML.
 *
 * @throws Error that says what is wrong with it; a key that is unknown is, too
 * Source: Container Device Interface 1.0.0, SPEC.md and schema.json
 */
export async function parseCdiSpec(text: string): Promise<CdiSpec> {
  const { output, issues } = v.safeParse(SPEC, await parsed(text));
  if (issues) {
    const where = issues[0].path?.map(({ key }) => String(key)).join('.');
    throw new Error(`invalid CDI Spec: ${where ? `${where}: ` : ''}${issues[0].message}`);
  }
  const version = VERSIONS.indexOf(output.cdiVersion.replace(/^v/, ''));
  if (version < 0) throw new Error(`invalid CDI Spec: invalid version "${output.cdiVersion}"`);
  const needed = neededVersion(output);
  if (VERSIONS.indexOf(needed) > version) throw new Error(`invalid CDI Spec: the spec version must be at least v${needed}`);
  return output;
}

async function parsed(text: string): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch {
    // Most hosts have none: what is needed for it is loaded when there is one.
    const { parse } = await import('yaml');
    try {
      return parse(text);
    } catch (error) {
      throw new Error(`failed to unmarshal CDI Spec: ${messageOf(error)}`, { cause: error });
    }
  }
}
