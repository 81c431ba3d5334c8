import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fitsList } from './patterns.ts';

/** A key as it goes over the wire: its type as a string, then what that type needs. */
export interface HostKey {
  /** Such as `ssh-ed25519`. */
  type: string;
  blob: Buffer;
}

export type Verdict =
  | { status: 'known' }
  /** By a certificate of an authority that is trusted for this host; what it says is still to be looked at. */
  | { status: 'certified'; file: string; line: number }
  /** `alsoAs`: other names under which this very key is known. */
  | { status: 'new'; alsoAs: string[] }
  /** The host is known with another key. `line` counts from 1. */
  | { status: 'changed'; file: string; line: number; known: HostKey }
  | { status: 'revoked'; file: string; line: number };

export interface KnownHostLine {
  file: string;
  line: number;
  marker: '' | 'cert-authority' | 'revoked' | 'unknown';
  /** As written: patterns with commas between, or one hashed name. */
  names: string;
  key: HostKey;
}

const FILE_LIMIT_BYTES = 16 * 1024 * 1024;
const ALSO_AS_LIMIT = 3;

/** `SHA256:` and the digest in base64 without padding, as ssh and ssh-keygen -l print it. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** @returns undefined if the bytes don't begin with a type's name */
export function hostKeyOf(blob: Buffer): HostKey | undefined {
  if (blob.length < 8 || blob.length > 16 * 1024) return undefined;
  const length = blob.readUInt32BE(0);
  if (length === 0 || length > 64 || 4 + length >= blob.length) return undefined;
  const type = blob.toString('latin1', 4, 4 + length);
  return /^[\w@.-]+$/.test(type) ? { type, blob } : undefined;
}

/** The name under which a host stands in known_hosts: with its port when that is not 22. */
export function knownHostName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** Reads known_hosts files; those that don't exist are empty. Lines that make no sense are passed over, as ssh does. */
export async function readKnownHosts(files: readonly string[]): Promise<KnownHostLine[]> {
  const lines: KnownHostLine[] = [];
  for (const file of files) {
    const text = await readLimited(file);
    text.split('\n').forEach((content, index) => {
      const parsed = parseLine(content);
      if (parsed) lines.push({ ...parsed, file, line: index + 1 });
    });
  }
  return lines;
}

async function readLimited(file: string): Promise<string> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
  try {
    if ((await handle.stat()).size > FILE_LIMIT_BYTES) throw new Error(`${file} is larger than ${FILE_LIMIT_BYTES} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT */
export function parseLine(content: string): Omit<KnownHostLine, 'file' | 'line'> | undefined {
  const words = content.trim().split(/\s+/);
  if (words[0] === '' || words[0]?.startsWith('#')) return undefined;
  const marker = words[0]?.startsWith('@') ? words.shift()?.slice(1) : '';
  const [names, type, encoded] = words;
  if (names === undefined || type === undefined || encoded === undefined) return undefined;
  const key = hostKeyOf(Buffer.from(encoded, 'base64'));
  if (key?.type !== type) return undefined;
  return { marker: marker === '' || marker === 'cert-authority' || marker === 'revoked' ? marker : 'unknown', names, key };
}

function namesHost(names: string, name: string): boolean {
  if (!names.startsWith('|')) return fitsList(names.toLowerCase().split(','), name);
  const [, version, salt, hash, ...more] = names.split('|');
  if (version !== '1' || salt === undefined || hash === undefined || more.length > 0) return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = hashName(name, Buffer.from(salt, 'base64'));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

const hashName = (name: string, salt: Buffer) => createHmac('sha1', salt).update(name).digest();

/**
 * What the files say about a key that a host has shown.
 *
 * As ssh: a revoked key, or one with a certificate of a revoked authority, is never taken; a host that is known with other keys only has
 * changed; on a port of its own, a key that is known for the host's name without a port will do.
 *
 * @param authority of the certificate that came with the key, if one did
 */
export function verdictOn(lines: readonly KnownHostLine[], host: string, port: number, key: HostKey, authority?: Buffer): Verdict {
  const name = knownHostName(host, port);
  const same = (line: KnownHostLine) => line.key.blob.equals(key.blob);
  const of = (wanted: string) => lines.filter((line) => namesHost(line.names, wanted));
  const here = of(name);
  const bare = port === 22 ? [] : of(host.toLowerCase());
  const signed = (line: KnownHostLine) => authority !== undefined && line.key.blob.equals(authority);
  const revoked = [...here, ...bare].find((line) => line.marker === 'revoked' && (same(line) || signed(line)));
  if (revoked) return { status: 'revoked', file: revoked.file, line: revoked.line };
  const trusted = [...here, ...bare].find((line) => line.marker === 'cert-authority' && signed(line));
  if (trusted) return { status: 'certified', file: trusted.file, line: trusted.line };
  const plain = here.filter(({ marker }) => marker === '');
  if (plain.some(same)) return { status: 'known' };
  const other = plain.find((line) => line.key.type === key.type) ?? plain[0];
  if (other) return { status: 'changed', file: other.file, line: other.line, known: other.key };
  if (bare.some((line) => line.marker === '' && same(line))) return { status: 'known' };
  const alsoAs = lines
    .filter((line) => line.marker === '' && same(line))
    .map(({ names, line }) => (names.startsWith('|') ? `#${line}` : names));
  return { status: 'new', alsoAs: alsoAs.slice(0, ALSO_AS_LIMIT) };
}

/** Types of the keys that are known for a host: those are asked for first, so that another of its keys is not taken for a change. */
export function knownTypes(lines: readonly KnownHostLine[], host: string, port: number): string[] {
  const name = knownHostName(host, port);
  const known = lines.filter(({ marker, names }) => marker === '' && namesHost(names, name));
  return [...new Set(known.map(({ key }) => key.type))];
}

/** Whether a certificate of a host's key would count, for or against it. */
export function mindsAuthorities(lines: readonly KnownHostLine[], host: string, port: number): boolean {
  const names = [knownHostName(host, port), host.toLowerCase()];
  return lines.some((line) => line.marker !== '' && line.marker !== 'unknown' && names.some((name) => namesHost(line.names, name)));
}

/** The line that ssh would write. */
export function formatLine(host: string, port: number, key: HostKey, hashed: boolean): string {
  const name = knownHostName(host, port);
  const salt = randomBytes(20);
  const names = hashed ? `|1|${salt.toString('base64')}|${hashName(name, salt).toString('base64')}` : name;
  return `${names} ${key.type} ${key.blob.toString('base64')}`;
}

/** Adds a line at the end of a file, in one write, after a line that has no end, too. Makes the file and its folder if need be. */
export async function appendKnownHost(file: string, line: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a+', 0o600);
  try {
    const { size } = await stat(file);
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const open = size > 0 && last[0] !== 10;
    await handle.write(`${open ? '\n' : ''}${line}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
