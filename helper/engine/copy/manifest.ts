/** What the other engine says, checked before anything is done with it. */
import * as v from 'valibot';
import type { CopyManifest, CopyMessage } from '../../contract/copy.ts';
import { Failure } from '../failure.ts';

const DIGEST = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));
const COUNT = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const OWNER = v.pipe(COUNT, v.maxValue(0xffff_fffe));
/** One character a byte: any other would become another byte, perhaps a slash. */
const BYTES = v.pipe(
  v.string(),
  v.check((text) => /^[\x01-\xff]*$/.test(text), 'not one character a byte'),
);
const MAP = v.record(v.string(), v.string());
const KIND = v.picklist(['image', 'container', 'volume']);

const IMAGE = v.object({
  Id: DIGEST,
  Names: v.array(v.string()),
  Config: v.string(),
  Manifest: v.string(),
  MediaType: v.string(),
  Layers: v.pipe(v.array(v.object({ DiffId: DIGEST, Digest: DIGEST, Size: COUNT, Sent: v.boolean() })), v.maxLength(500)),
});

/** The request is the business of `create`, which every client's request goes through; here it need only be an object. */
const REQUEST = v.custom<Record<string, unknown>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value));

const MANIFEST = v.object({
  Type: v.literal('manifest'),
  Version: v.literal(1),
  Kind: KIND,
  Image: v.optional(IMAGE),
  Container: v.optional(
    v.object({ Name: v.string(), ImageName: v.string(), Request: REQUEST, Anonymous: MAP, Warnings: v.array(v.string()) }),
  ),
  Volumes: v.array(v.object({ Name: v.string(), Anonymous: v.boolean(), Labels: MAP, Options: MAP, Sent: v.boolean() })),
  Networks: v.array(REQUEST),
});

const ENTRY = v.object({
  Type: v.literal('entry'),
  Path: BYTES,
  Kind: v.picklist(['folder', 'file', 'symlink', 'character', 'block', 'fifo', 'link']),
  Mode: v.pipe(COUNT, v.maxValue(0o7777)),
  Uid: OWNER,
  Gid: OWNER,
  Mtime: v.pipe(v.string(), v.regex(/^-?\d{1,19}$/)),
  Size: v.optional(COUNT),
  Target: v.optional(BYTES),
  Major: v.optional(v.pipe(COUNT, v.maxValue(0xfff))),
  Minor: v.optional(v.pipe(COUNT, v.maxValue(0xf_ffff))),
  Node: v.optional(COUNT),
  Xattrs: v.optional(MAP),
});

const MESSAGE = v.variant('Type', [
  MANIFEST,
  ENTRY,
  v.object({ Type: v.literal('layer'), DiffId: DIGEST }),
  v.object({ Type: v.literal('tree'), Tree: v.picklist(['upper', 'volume']), Name: v.string() }),
  v.object({ Type: v.literal('end'), Sha256: v.string() }),
  v.object({ Type: v.literal('done') }),
  v.object({ Type: v.literal('failed'), Message: v.pipe(v.string(), v.maxLength(10_000)) }),
]);

/** @throws Failure invalidParameter on what is no message of a copy */
export function parseMessage(value: unknown): CopyMessage {
  // Most messages by far: without the detour over the kinds.
  const entry = typeof value === 'object' && value !== null && 'Type' in value && value.Type === 'entry';
  const result = v.safeParse(entry ? ENTRY : MESSAGE, value);
  if (!result.success) {
    const [issue] = result.issues;
    throw new Failure('invalidParameter', `the copy's stream is damaged: ${v.getDotPath(issue) ?? 'message'}: ${issue.message}`);
  }
  return result.output as CopyMessage;
}

/** @throws Failure invalidParameter when the parts of a manifest don't belong together */
export function checkManifest(message: CopyMessage): CopyManifest {
  const fail = (what: string): Failure => new Failure('invalidParameter', `the copy's stream is damaged: ${what}`);
  if (message.Type === 'failed') throw new Failure('system', message.Message);
  if (message.Type !== 'manifest') throw fail('it does not begin with a manifest');
  const { Kind, Image, Container, Volumes } = message;
  if (Kind === 'image' && !Image) throw fail('an image without its config');
  if ((Kind === 'container') !== (Container !== undefined)) throw fail('its kind and its container');
  if (Kind === 'volume' && Volumes.length !== 1) throw fail('not one volume');
  if (new Set(Volumes.map(({ Name }) => Name)).size !== Volumes.length) throw fail('a volume twice');
  return message;
}
