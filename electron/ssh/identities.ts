import { open } from 'node:fs/promises';
import { createAgent, type ParsedKey, utils } from 'ssh2';
import { cancelled, shown } from './failures.ts';
import { fingerprint } from './known-hosts.ts';
import type { Secrets } from './secrets.ts';

/** A key that can be offered. Nothing is asked before the host has said that it would take it. */
export interface Identity {
  key: ParsedKey;
  /** A file's path, or what the agent calls it. */
  label: string;
  source: 'agent' | 'file';
  /** @param hash for RSA only: sha256, sha512 or sha1 */
  sign(data: Buffer, hash: string | undefined): Promise<Buffer>;
}

export interface IdentityOptions {
  agent: string | undefined;
  files: readonly string[];
  /** The user named them: one that can't be read is worth a word. */
  named: boolean;
  only: boolean;
  secrets: Secrets;
  /** Asks for a key's passphrase. Undefined: nobody is there to answer. */
  askPassphrase: ((path: string, again: boolean) => Promise<{ value: string; remember: boolean }>) | undefined;
  /** What a background attempt fails with where a passphrase is needed. */
  needsPassphrase: (path: string) => Error;
}

const FILE_LIMIT_BYTES = 256 * 1024;
const AGENT_LIMIT = 64;
const AGENT_MS = 5000;
const PASSPHRASE_TRIES = 3;

/**
 * The keys to offer, in ssh's order: those of the agent that are named in the configuration, the agent's others unless IdentitiesOnly,
 * then those in files. `problems` says which can't be used and why.
 */
export async function collectIdentities(options: IdentityOptions): Promise<{ identities: Identity[]; problems: string[] }> {
  const problems: string[] = [];
  const held = await agentIdentities(options.agent, problems);
  const files = await Promise.all(options.files.map((path) => fileIdentity(path, options, problems)));
  const named = files.filter((found) => found !== undefined);
  const inAgent = (blob: Buffer) => held.find(({ key }) => key.getPublicSSH().equals(blob));
  const first = named.flatMap(({ blob }) => inAgent(blob) ?? []);
  const rest = options.only ? [] : held.filter((identity) => !first.includes(identity));
  const ours = named.flatMap(({ blob, identity }) => (identity && !inAgent(blob) ? [identity] : []));
  return { identities: [...new Set([...first, ...rest, ...ours])], problems };
}

async function agentIdentities(socket: string | undefined, problems: string[]): Promise<Identity[]> {
  if (socket === undefined) return [];
  const agent = createAgent(socket);
  try {
    const keys = await new Promise<ParsedKey[]>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('it does not answer')), AGENT_MS);
      agent.getIdentities((error, list) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve((list ?? []).map((key) => utils.parseKey(key as Buffer)).filter((key) => !(key instanceof Error)) as ParsedKey[]);
      });
    });
    return keys.slice(0, AGENT_LIMIT).map((key) => ({
      key,
      label: shown(key.comment, 200) || fingerprint(key.getPublicSSH()),
      source: 'agent' as const,
      sign: (data, hash) =>
        new Promise((resolve, reject) => {
          const signed = (error: Error | null | undefined, signature?: Buffer) =>
            signature && !error ? resolve(signature) : reject(error ?? new Error('the agent did not sign'));
          agent.sign(key, data, hash === undefined ? {} : { hash: hash as 'sha256' }, signed as never);
        }),
    }));
  } catch (error) {
    problems.push(`SSH agent ${socket}: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

/** The public half of a key file, and how to sign with it; no identity where only the .pub is there (an agent holds the key). */
async function fileIdentity(
  path: string,
  options: IdentityOptions,
  problems: string[],
): Promise<{ blob: Buffer; identity: Identity | undefined } | undefined> {
  const problem = (text: string): undefined => void problems.push(`${path}: ${text}`);
  let text: Buffer | undefined;
  try {
    text = await readKeyFile(path);
  } catch (error) {
    return problem(error instanceof Error ? error.message : String(error));
  }
  const beside = await readKeyFile(`${path}.pub`, { secret: false }).catch(() => undefined);
  const published = beside && parsedPublic(beside);
  if (!text) {
    if (published) return { blob: published.getPublicSSH(), identity: undefined };
    return options.named ? problem('does not exist') : undefined;
  }
  const parsed = firstKey(utils.parseKey(text));
  if (!(parsed instanceof Error)) {
    // A .pub named as IdentityFile says which of the agent's keys is meant.
    if (!parsed.isPrivateKey()) return { blob: parsed.getPublicSSH(), identity: undefined };
    const sign = async (data: Buffer, hash: string | undefined) => signed(parsed, data, hash);
    return { blob: parsed.getPublicSSH(), identity: { key: parsed, label: path, source: 'file', sign } };
  }
  if (!/encrypted|passphrase/i.test(parsed.message)) return problem(parsed.message);
  const blob = published?.getPublicSSH() ?? publicPartOf(text);
  const key = blob && firstKey(utils.parseKey(blob));
  // Old PEM files keep even the public half encrypted; ssh-keygen has written a .pub beside each.
  if (!key || key instanceof Error) return problem('is encrypted, and its .pub is not beside it');
  const content = text;
  return {
    blob: key.getPublicSSH(),
    identity: { key, label: path, source: 'file', sign: async (data, hash) => signed(await unlock(path, content, options), data, hash) },
  };
}

/** @throws Error with what is wrong with the file; undefined if there is none */
async function readKeyFile(path: string, { secret = true } = {}): Promise<Buffer | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  try {
    const { size, mode, uid } = await file.stat();
    if (size > FILE_LIMIT_BYTES) throw new Error('is too large for a key');
    const content = await file.readFile();
    // As ssh: a private key that others can read is not used.
    const open = process.platform !== 'win32' && uid === process.getuid?.() && (mode & 0o077) !== 0;
    if (secret && open && content.includes('PRIVATE KEY')) throw new Error(`others can read it, so it is not used: chmod 600 ${path}`);
    return content;
  } finally {
    await file.close();
  }
}

function parsedPublic(content: Buffer): ParsedKey | undefined {
  const key = firstKey(utils.parseKey(content));
  return key instanceof Error ? undefined : key;
}

/** OpenSSH's files could hold several keys; ssh takes the first, too. */
function firstKey(parsed: ParsedKey | ParsedKey[] | Error): ParsedKey | Error {
  return Array.isArray(parsed) ? (parsed[0] ?? new Error('holds no key')) : parsed;
}

/**
 * The public half, which OpenSSH's own format keeps in the clear.
 * Source: PROTOCOL.key of OpenSSH: magic, cipher, kdf, kdf options, number of keys, public key
 */
export function publicPartOf(file: Buffer): Buffer | undefined {
  const [, encoded] =
    /-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END OPENSSH PRIVATE KEY-----/.exec(file.toString('latin1')) ?? [];
  const data = Buffer.from(encoded ?? '', 'base64');
  const magic = 'openssh-key-v1\0';
  if (data.toString('latin1', 0, magic.length) !== magic) return undefined;
  let at = magic.length;
  const next = (): Buffer | undefined => {
    if (at + 4 > data.length) return undefined;
    const from = at + 4;
    at = from + data.readUInt32BE(at);
    return at <= data.length ? data.subarray(from, at) : undefined;
  };
  for (let field = 0; field < 3; field += 1) if (!next()) return undefined;
  at += 4;
  return next();
}

async function unlock(path: string, content: Buffer, { secrets, askPassphrase, needsPassphrase }: IdentityOptions): Promise<ParsedKey> {
  const name = `passphrase ${path}`;
  const kept = await secrets.get(name);
  if (kept !== undefined) {
    const key = firstKey(utils.parseKey(content, kept));
    if (!(key instanceof Error)) return key;
    await secrets.forget(name);
  }
  if (!askPassphrase) throw needsPassphrase(path);
  for (let tried = 0; tried < PASSPHRASE_TRIES; tried += 1) {
    const { value, remember } = await askPassphrase(path, tried > 0);
    const key = firstKey(utils.parseKey(content, value));
    if (key instanceof Error) continue;
    await secrets.put(name, value, remember);
    return key;
  }
  throw cancelled();
}

function signed(key: ParsedKey, data: Buffer, hash: string | undefined): Buffer {
  const signature: Buffer | Error = key.sign(data, hash);
  if (signature instanceof Error) throw signature;
  return signature;
}
