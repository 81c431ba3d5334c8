import { open } from 'node:fs/promises';
import { type ParsedKey, utils } from 'ssh2';
import { agentKeys, agentSignature } from './agent.ts';
import { type Certificate, parseCertificate, parseCertificateFile } from './certificate.ts';
import { cancelled, shown } from './failures.ts';
import { fingerprint } from './known-hosts.ts';
import type { Secrets } from './secrets.ts';
import { WireReader } from './wire.ts';

/** A key that can be offered. Nothing is asked before the host has said that it would take it. */
export interface Identity {
  /** With a certificate, its public half is that; its type is the key's own all the same, as that is what signatures go by. */
  key: ParsedKey;
  /** A file's path, or what the agent calls it. */
  label: string;
  source: 'agent' | 'file';
  certificate?: Certificate;
  /** @param hash for RSA only: sha256, sha512 or sha1 */
  sign(data: Buffer, hash: string | undefined): Promise<Buffer>;
}

export interface IdentityOptions {
  agent: string | undefined;
  files: readonly string[];
  /** CertificateFile. Without any, what lies beside each key as `-cert.pub` counts. */
  certificates: readonly string[];
  /** The user named the files: one that can't be read is worth a word. */
  named: boolean;
  only: boolean;
  secrets: Secrets;
  /** Asks for a key's passphrase. Undefined: nobody is there to answer. */
  askPassphrase: ((path: string, again: boolean) => Promise<{ value: string; remember: boolean }>) | undefined;
  /** What a background attempt fails with where a passphrase is needed. */
  needsPassphrase: (path: string) => Error;
}

const FILE_LIMIT_BYTES = 256 * 1024;
const PASSPHRASE_TRIES = 3;

/** What a file of the configuration stands for: the public half, and the key itself if it is there. */
interface Named {
  blob: Buffer;
  identity: Identity | undefined;
}

/**
 * The keys to offer, in ssh's order: certificates that the configuration names, then keys of the agent that it names, the agent's others
 * unless IdentitiesOnly, then those in files, each before the certificate beside it. `problems` says which can't be used and why.
 */
export async function collectIdentities(options: IdentityOptions): Promise<{ identities: Identity[]; problems: string[] }> {
  const problems: string[] = [];
  const held = await agentIdentities(options.agent, problems);
  const files = await Promise.all(options.files.map((path) => filesOf(path, options, problems)));
  const keys = files.flatMap(({ key }) => (key ? [key] : []));
  const signers = [...held, ...keys.flatMap(({ identity }) => identity ?? [])];
  const certified = (found: FoundCertificate): Named => certifiedBy(signers, found, problems);
  const listed: Identity[] = [];
  for (const path of options.certificates) {
    const found = await certificateAt(path, problems);
    const identity = found && certified(found).identity;
    if (identity) listed.push(identity);
  }
  const named = files.flatMap(({ key, beside }) => [...(key ? [key] : []), ...(beside ? [certified(beside)] : [])]);
  const inAgent = (blob: Buffer) => held.find(({ key }) => key.getPublicSSH().equals(blob));
  const first = named.flatMap(({ blob }) => inAgent(blob) ?? []);
  const rest = options.only ? [] : held.filter((identity) => !first.includes(identity));
  const ours = named.flatMap(({ identity }) => identity ?? []);
  return { identities: eachOnce([...listed, ...first, ...rest, ...ours]), problems };
}

function eachOnce(identities: readonly Identity[]): Identity[] {
  const seen = new Set<string>();
  return identities.filter(({ key }) => {
    const blob = key.getPublicSSH().toString('latin1');
    return !seen.has(blob) && seen.add(blob);
  });
}

async function agentIdentities(socket: string | undefined, problems: string[]): Promise<Identity[]> {
  if (socket === undefined) return [];
  try {
    return (await agentKeys(socket)).flatMap(({ blob, comment }) => {
      const certificate = parseCertificate(blob);
      const key = utils.parseKey(certificate?.key ?? blob);
      if (key instanceof Error || Array.isArray(key) || certificate?.kind === 'host') return [];
      const plain: Identity = {
        key,
        label: shown(comment, 200) || fingerprint(blob),
        source: 'agent',
        sign: (data, hash) => agentSignature(socket, blob, data, hash),
      };
      return [certificate ? withCertificate(plain, certificate) : plain];
    });
  } catch (error) {
    problems.push(`SSH agent ${socket}: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

interface FoundCertificate {
  path: string;
  certificate: Certificate;
}

/** Whether ssh would say so or not: one that was named and is none is worth a word. */
async function certificateAt(path: string, problems: string[], { named = true } = {}): Promise<FoundCertificate | undefined> {
  const problem = (text: string): undefined => void problems.push(`${path}: ${text}`);
  const content = await readKeyFile(path, { secret: false }).catch((error: unknown) => problem(String(error)));
  if (!content) return named ? problem('does not exist') : undefined;
  const certificate = parseCertificateFile(content);
  if (!certificate) return problem('is no certificate that Gantry knows');
  return certificate.kind === 'user' ? { path, certificate } : problem('is a certificate of a machine, not of a user');
}

/** As ssh: whoever has the key signs, the agent first. */
function certifiedBy(signers: readonly Identity[], { path, certificate }: FoundCertificate, problems: string[]): Named {
  const signer = signers.find(({ key, certificate: own }) => !own && key.getPublicSSH().equals(certificate.key));
  if (!signer) problems.push(`${path}: its key is neither in the agent nor in a file that is named`);
  return { blob: certificate.blob, identity: signer && { ...withCertificate(signer, certificate), label: path } };
}

function withCertificate(identity: Identity, certificate: Certificate): Identity {
  const key: ParsedKey = Object.create(identity.key, { getPublicSSH: { value: () => certificate.blob } });
  return { ...identity, key, certificate };
}

/** A key file, and the certificate that ssh takes along with it. */
async function filesOf(
  path: string,
  options: IdentityOptions,
  problems: string[],
): Promise<{ key: Named | undefined; beside: FoundCertificate | undefined }> {
  const beside = options.certificates.length > 0 ? undefined : await certificateAt(`${path}-cert.pub`, problems, { named: false });
  return { key: await fileIdentity(path, options, problems), beside };
}

/** The public half of a key file, and how to sign with it; no identity where only the .pub is there (an agent holds the key). */
async function fileIdentity(path: string, options: IdentityOptions, problems: string[]): Promise<Named | undefined> {
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
  const reader = new WireReader(data, magic.length);
  try {
    for (let field = 0; field < 3; field += 1) reader.bytes();
    reader.uint32();
    return reader.bytes();
  } catch {
    return undefined;
  }
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
