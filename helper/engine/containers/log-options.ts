import os from 'node:os';
import type { HostConfig } from '../../contract/docker.ts';
import { Failure } from '../failure.ts';
import type { Container } from './container.ts';

/** What a log driver can be told. Source: Docker's documentation of json-file and local, moby's daemon/logger. */
const COMMON = ['max-file', 'max-size', 'compress', 'labels', 'labels-regex', 'env', 'env-regex', 'tag', 'mode', 'max-buffer-size'];
const OPTIONS: Record<string, readonly string[]> = { 'json-file': COMMON, local: COMMON, none: [] };
/** Of `local`. */
const LOCAL_BYTES = 20 * 1024 * 1024;
const LOCAL_FILES = 5;

const invalid = (message: string): Failure => new Failure('invalidParameter', message);
const refused = (why: string): Failure => invalid(`failed to initialize logging driver: ${why}`);

/** Size and number of the files that a log is kept in. `maxBytes` undefined: one file without a limit. */
export interface LogLimits {
  maxBytes: number | undefined;
  maxFiles: number;
}

/** @throws Failure invalidParameter: an unknown driver or option, a value that is none */
export function checkLogConfig(host: HostConfig): void {
  const type = host.LogConfig?.Type || 'json-file';
  const known = OPTIONS[type];
  if (!known) throw invalid(`logger: no log driver named '${type}' is registered`);
  const options = host.LogConfig?.Config ?? {};
  for (const key of Object.keys(options)) {
    if (type === 'none' || known.includes(key)) continue;
    throw invalid(`unknown log opt '${key}' for ${type === 'local' ? 'log driver local' : `${type} log driver`}`);
  }
  if (type === 'none') return;
  const { maxBytes, maxFiles } = logLimits(host);
  const compress = options.compress;
  if (compress !== undefined && !/^(1|t|true|0|f|false)$/i.test(compress))
    throw refused(`strconv.ParseBool: parsing "${compress}": invalid syntax`);
  if (type === 'json-file' && /^(1|t|true)$/i.test(compress ?? '') && (maxFiles === 1 || maxBytes === undefined)) {
    throw refused('compress cannot be true when max-file is less than 2 or max-size is not set');
  }
  for (const key of ['labels-regex', 'env-regex']) expression(options[key]);
  if (options.tag) renderTag(options.tag, () => '');
}

/** @throws Failure invalidParameter */
export function logLimits(host: HostConfig): LogLimits {
  const options = host.LogConfig?.Config ?? {};
  const local = host.LogConfig?.Type === 'local';
  const size = options['max-size'];
  const count = options['max-file'];
  const maxBytes = size === undefined ? (local ? LOCAL_BYTES : undefined) : sizeOf(size);
  if (maxBytes !== undefined && maxBytes <= 0) throw refused('max-size must be a positive number');
  if (count !== undefined && !/^[+-]?\d+$/.test(count)) throw refused(`strconv.Atoi: parsing "${count}": invalid syntax`);
  const maxFiles = count === undefined ? (local ? LOCAL_FILES : 1) : Number(count);
  if (maxFiles < 1) throw refused('max-file cannot be less than 1');
  return { maxBytes, maxFiles };
}

/** `10m`, `1.5 GB`, `64k`: powers of 1000. Source: go-units FromHumanSize */
function sizeOf(text: string): number {
  const match = /^(.*[\d. ])([^\d. ]*)$/s.exec(text);
  const number = Number(match?.[1]?.trim() || Number.NaN);
  if (!match || Number.isNaN(number) || number < 0) throw refused(`invalid size: '${text}'`);
  const suffix = match[2] ?? '';
  const unit = /^(?:b|([kmgtp])(?:i?b)?)?$/.exec(suffix.toLowerCase());
  if (!unit) throw refused(`invalid suffix: '${suffix.toLowerCase()}'`);
  return Math.trunc(number * 1000 ** ' kmgtp'.indexOf(unit[1] ?? ' '));
}

function expression(text: string | undefined): RegExp | undefined {
  if (!text) return undefined;
  try {
    return new RegExp(text);
  } catch {
    throw refused(`error parsing regexp: ${text}`);
  }
}

/** `{{.Name}}/{{.ID}}` with the fields that Docker documents. @throws Failure invalidParameter for what is no such field */
function renderTag(template: string, field: (name: string) => string): string {
  const fields = ['ID', 'FullID', 'Name', 'ImageID', 'ImageFullID', 'ImageName', 'DaemonName', 'Hostname', 'Command'];
  return template.replace(/\{\{(.*?)\}\}/g, (_, inside: string) => {
    const name = /^-?\s*\.(\w+)\s*-?$/.exec(inside)?.[1];
    if (name === undefined || !fields.includes(name)) throw refused(`template: log-tag: can't evaluate ${inside.trim()}`);
    return field(name);
  });
}

function tagOf(container: Container, template: string): string {
  const { id, name, imageId, imageRef } = container;
  const image = imageId.replace(/^sha256:/, '');
  const values: Record<string, string> = {
    ID: id.slice(0, 12),
    FullID: id,
    Name: name,
    ImageID: image.slice(0, 12),
    ImageFullID: imageId,
    ImageName: imageRef,
    DaemonName: 'docker',
    Hostname: os.hostname(),
    Command: [container.path, ...container.args].join(' '),
  };
  return renderTag(template, (field) => values[field] ?? '');
}

/** What the driver's options add to each line: labels, environment and a tag, by name. */
function attributes(container: Container): Map<string, string> {
  const options = container.hostConfig.LogConfig?.Config ?? {};
  const found = new Map<string, string>();
  const take = (from: Map<string, string>, names: string | undefined, pattern: string | undefined): void => {
    const wanted = names ? names.split(',') : [];
    const matching = expression(pattern);
    for (const [key, value] of from) if (wanted.includes(key) || matching?.test(key)) found.set(key, value);
  };
  take(new Map(Object.entries(container.config.Labels ?? {})), options.labels, options['labels-regex']);
  const entries = (container.config.Env ?? []).flatMap((entry) => {
    const equals = entry.indexOf('=');
    return equals > 0 ? [[entry.slice(0, equals), entry.slice(equals + 1)] as const] : [];
  });
  take(new Map(entries), options.env, options['env-regex']);
  if (options.tag) found.set('tag', tagOf(container, options.tag));
  return found;
}

/** Go's url.QueryEscape. */
function queryEscape(text: string): string {
  const escaped = encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return escaped.replaceAll('%20', '+');
}

/** What goes before each line of `docker logs --details`: `key=value,… ` by key; a space where there are none. */
export function logDetails(container: Container): string {
  const pairs = [...attributes(container)].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${pairs.map(([key, value]) => `${queryEscape(key)}=${queryEscape(value)}`).join(',')} `;
}
