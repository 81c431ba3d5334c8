/**
 * The shape of an image config. Whoever made the image wrote it, so nothing of it is believed: a label that is a number or a
 * history that is no list is refused when the image comes in, as Go's decoder does it, and not met in every later list.
 * Source: OCI image config; Docker image specification v1.2 (the fields of `config`)
 */
import * as v from 'valibot';

// Go takes null for any value that is not given.
const TEXT = v.nullish(v.string());
const FLAG = v.nullish(v.boolean());
const NUMBER = v.nullish(v.pipe(v.number(), v.safeInteger()));
const TEXTS = v.nullish(v.array(v.string()));
const SET = v.nullish(v.record(v.string(), v.unknown()));
/** A command may be one word. */
const WORDS = v.nullish(
  v.pipe(
    v.union([v.string(), v.array(v.string())]),
    v.transform((words) => (typeof words === 'string' ? [words] : words)),
  ),
);
const TIME = v.nullish(
  v.pipe(v.string(), v.regex(/^(|\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))$/, 'is no time as of RFC 3339')),
);

/** What is null is left out, so that readers need to know one kind of absence only. */
function withoutNulls<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null && item !== undefined)) as T;
}

const CONTAINER_CONFIG = v.looseObject({
  ...entries(TEXT, ['Hostname', 'Domainname', 'User', 'Image', 'WorkingDir', 'MacAddress', 'StopSignal']),
  ...entries(FLAG, ['AttachStdin', 'AttachStdout', 'AttachStderr', 'Tty', 'OpenStdin', 'StdinOnce', 'ArgsEscaped', 'NetworkDisabled']),
  ...entries(SET, ['ExposedPorts', 'Volumes']),
  ...entries(TEXTS, ['Env', 'OnBuild']),
  ...entries(WORDS, ['Cmd', 'Entrypoint', 'Shell']),
  Labels: v.nullish(v.record(v.string(), v.string())),
  StopTimeout: NUMBER,
  Healthcheck: v.nullish(
    v.looseObject({ Test: TEXTS, ...entries(NUMBER, ['Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries']) }),
  ),
});

const CONFIG_FILE = v.looseObject({
  architecture: v.nullish(v.string(), ''),
  // As dockerd takes an image that does not say.
  os: v.nullish(
    v.pipe(
      v.string(),
      v.transform((os) => os || 'linux'),
    ),
    'linux',
  ),
  ...entries(TEXT, ['variant', 'author', 'comment', 'docker_version', 'os.version']),
  created: TIME,
  config: v.nullish(v.pipe(CONTAINER_CONFIG, v.transform(withoutNulls))),
  rootfs: v.nullish(v.looseObject({ diff_ids: v.nullish(v.array(v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'is no diffID')))) })),
  history: v.nullish(
    v.array(
      v.pipe(
        v.looseObject({ created: TIME, ...entries(TEXT, ['created_by', 'author', 'comment']), empty_layer: FLAG }),
        v.transform(withoutNulls),
      ),
    ),
  ),
});

/** @throws Error that names the field */
export function checkConfig(value: unknown): v.InferOutput<typeof CONFIG_FILE> {
  const result = v.safeParse(CONFIG_FILE, value);
  if (result.success) return withoutNulls(result.output);
  const issue = result.issues[0];
  const where = v.getDotPath(issue);
  throw new Error(where === null ? issue.message : `${where}: ${issue.message}`);
}

function entries<Schema, const Name extends string>(schema: Schema, names: readonly Name[]): Record<Name, Schema> {
  return Object.fromEntries(names.map((name) => [name, schema])) as Record<Name, Schema>;
}
