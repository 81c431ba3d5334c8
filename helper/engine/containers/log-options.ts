import { existsSync } from 'node:fs';
import os from 'node:os';
import type { HostConfig } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import type { Container } from './container.ts';

/** What a log driver can be told. Source: Docker's documentation of json-file and local, moby's daemon/logger. */
const DETAILS = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];
const FILES = ['max-file', 'max-size', 'compress'];
const OPTIONS: Record<string, readonly string[]> = { 'json-file': [...FILES, ...DETAILS], local: FILES, journald: DETAILS };
const BUILT_IN = ['mode', 'max-buffer-size'];
/** Of `local`. */
const LOCAL_BYTES = 20 * 1024 * 1024;
const LOCAL_FILES = 5;

const invalid = (message: string): Failure => new Failure('invalidParameter', message);
const refused = (why: string): Failure => new Failure('system', `failed to initialize logging driver: ${why}`);

/** Size and number of the files that a log is kept in. `maxBytes` undefined: one file without a limit. */
export interface LogLimits {
  maxBytes: number | undefined;
  maxFiles: number;
}

/** @throws Failure invalidParameter: an unknown driver or option */
export function checkLogConfig(host: HostConfig): void {
  const type = host.LogConfig?.Type || 'json-file';
  if (type === 'none') return;
  const options = host.LogConfig?.Config ?? {};
  checkMode(options);
  const known = OPTIONS[type];
  if (!known) throw invalid(`error looking up logging plugin ${type}: plugin "${type}" not found`);
  for (const key of Object.keys(options)) {
    if (known.includes(key) || BUILT_IN.includes(key)) continue;
    throw invalid(`unknown log opt '${key}' for ${type === 'local' ? 'log driver local' : `${type} log driver`}`);
  }
}

/** The values, too: of what all containers get. @throws Failure invalidParameter or system */
export function checkLogValues(host: HostConfig): void {
  checkLogConfig(host);
  const type = host.LogConfig?.Type || 'json-file';
  if (type !== 'none') checkValues(type, host, host.LogConfig?.Config ?? {});
}

const JOURNAL = '/run/systemd/journal/socket';
/** dockerd's for what has no tag of its own. */
const DEFAULT_TAG = '{{.ID}}';

/**
 * Looks at the options' values, as dockerd does when a container starts.
 * @returns of `journald` the tag of its lines
 * @throws Failure system: a value that is none, or a driver that this host has not
 */
export function openLogDriver(container: Container): { journalTag?: string } {
  const host = container.hostConfig;
  const type = host.LogConfig?.Type || 'json-file';
  if (type === 'none') return {};
  const options = host.LogConfig?.Config ?? {};
  if (type === 'journald' && !existsSync(JOURNAL)) throw refused('journald is not enabled on this host');
  checkValues(type, host, options);
  return type === 'journald' ? { journalTag: tagOf(container, options.tag || DEFAULT_TAG) } : {};
}

function checkValues(type: string, host: HostConfig, options: Record<string, string>): void {
  const { maxBytes, maxFiles } = logLimits(host);
  const compress = compressed(type, options.compress);
  if (type === 'json-file' && compress && (maxFiles === 1 || maxBytes === undefined)) {
    throw refused('compress cannot be true when max-file is less than 2 or max-size is not set');
  }
  if (type === 'local' && compress !== false && maxFiles <= 1) {
    throw refused('compression cannot be enabled when max file count is 1');
  }
  for (const key of ['labels-regex', 'env-regex']) expression(options[key]);
  if (options.tag) renderTag(options.tag, () => '');
}

/** What every driver but none takes: whether a slow log may hold up the process. */
function checkMode(options: Record<string, string>): void {
  const mode = options.mode ?? '';
  if (!['', 'blocking', 'non-blocking'].includes(mode)) throw invalid(`logger: logging mode not supported: ${mode}`);
  const buffer = options['max-buffer-size'];
  if (buffer === undefined) return;
  if (mode !== 'non-blocking') throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  const problem = parseSize(buffer);
  if (typeof problem === 'string') throw invalid(`error parsing option max-buffer-size: ${problem}`);
}

function compressed(type: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  const problem = `strconv.ParseBool: parsing "${text}": invalid syntax`;
  throw refused(type === 'local' ? `error reading compress log option: ${problem}` : problem);
}

/** @throws Failure system */
export function logLimits(host: HostConfig): LogLimits {
  const options = host.LogConfig?.Config ?? {};
  const local = host.LogConfig?.Type === 'local';
  const size = options['max-size'];
  const count = options['max-file'];
  const maxBytes = size === undefined ? (local ? LOCAL_BYTES : undefined) : sizeOf(size, local);
  if (maxBytes !== undefined && maxBytes <= 0 && !local) throw refused('max-size must be a positive number');
  if (count !== undefined && !/^[+-]?\d+$/.test(count)) {
    const problem = `strconv.Atoi: parsing "${count}": invalid syntax`;
    throw refused(local ? `invalid value for max-file: ${count}: ${problem}` : problem);
  }
  const maxFiles = count === undefined ? (local ? LOCAL_FILES : 1) : Number(count);
  if (maxFiles < 1 && !local) throw refused('max-file cannot be less than 1');
  if (maxFiles < 0) throw refused('max file count cannot be less than 0');
  return { maxBytes, maxFiles };
}

/** `10m`, `1.5 GB`, `64k`: powers of 1000. Source: go-units FromHumanSize @returns or what is wrong with it */
function parseSize(text: string): number | string {
  const match = /^(.*[\d. ])([^\d. ]*)$/s.exec(text);
  const number = Number(match?.[1]?.trim() || Number.NaN);
  if (!match || Number.isNaN(number) || number < 0) return `invalid size: '${text}'`;
  const suffix = match[2] ?? '';
  const unit = /^(?:b|([kmgtp])(?:i?b)?)?$/.exec(suffix.toLowerCase());
  if (!unit) return `invalid suffix: '${suffix.toLowerCase()}'`;
  return Math.trunc(number * 1000 ** ' kmgtp'.indexOf(unit[1] ?? ' '));
}

function sizeOf(text: string, local: boolean): number {
  const size = parseSize(text);
  if (typeof size === 'number') return size;
  throw refused(local ? `invalid value for max-size: ${text}: ${size}` : size);
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
