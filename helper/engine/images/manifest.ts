/**
 * Manifests and indexes, OCI's and Docker's schema 2: the same shapes under different media types.
 * Source: OCI image manifest and index; Docker image manifest V2 schema 2
 */
import { Failure, messageOf } from '../failure.ts';
import type { Platform } from './types.ts';

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

export interface PlatformDescriptor extends Descriptor {
  platform?: { os?: string; architecture?: string; variant?: string; 'os.version'?: string };
  annotations?: Record<string, string>;
}

export interface Manifest {
  mediaType: string;
  config: Descriptor;
  layers: Descriptor[];
}

export interface Index {
  manifests: PlatformDescriptor[];
}

export const MEDIA = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** No image has as many; overlayfs takes 500. */
const MAX_LAYERS = 500;

function parseJson(data: Uint8Array, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(data).toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw new Failure('system', `invalid ${what}: ${messageOf(error)}`);
  }
  throw new Failure('system', `invalid ${what}: not an object`);
}

function descriptor(value: unknown): Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Partial<Descriptor>;
  if (typeof digest !== 'string' || !DIGEST.test(digest) || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new Failure('system', 'invalid manifest: a descriptor without a valid digest and size');
  }
  return { mediaType: typeof mediaType === 'string' ? mediaType : '', digest, size };
}

/** @throws Failure system on what is no manifest */
export function parseManifest(data: Uint8Array): Manifest {
  const value = parseJson(data, 'manifest');
  if (!value.config || !Array.isArray(value.layers)) throw new Failure('system', 'invalid manifest: no config or no layers');
  if (value.manifests !== undefined) throw new Failure('system', 'invalid manifest: it is a manifest list as well');
  if (value.layers.length > MAX_LAYERS) throw new Failure('system', `invalid manifest: more than ${MAX_LAYERS} layers`);
  return {
    mediaType: typeof value.mediaType === 'string' ? value.mediaType : MEDIA.ociManifest,
    config: descriptor(value.config),
    layers: value.layers.map(descriptor),
  };
}

/** @throws Failure system on what is no index */
export function parseIndex(data: Uint8Array): Index {
  const value = parseJson(data, 'manifest list');
  if (!Array.isArray(value.manifests)) throw new Failure('system', 'invalid manifest list: no manifests');
  return {
    manifests: value.manifests.map((entry: unknown) => {
      const { platform, annotations } = (entry ?? {}) as { platform?: unknown; annotations?: unknown };
      return {
        ...descriptor(entry),
        ...(platform ? { platform: texts(platform, 'platform') } : {}),
        ...(annotations ? { annotations: texts(annotations, 'annotations') } : {}),
      };
    }),
  };
}

/** The texts of an object; what else it holds (`os.features` is a list) nobody here reads. */
function texts(value: unknown, what: string): Record<string, string> {
  if (typeof value !== 'object' || Array.isArray(value)) throw new Failure('system', `invalid manifest list: ${what} is no object`);
  return Object.fromEntries(Object.entries(value as object).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA.ociIndex || mediaType === MEDIA.dockerList;
}

const ARCHITECTURES: Record<string, string> = { x64: 'amd64', ia32: '386', arm: 'arm', arm64: 'arm64', ppc64: 'ppc64le' };

/** The platform of this machine in Go's words. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: 'linux', architecture: ARCHITECTURES[process.arch] ?? process.arch });
}

/** What Go runs on. Source: containerd/platforms */
const SYSTEMS = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos'.split(' '),
);
const KNOWN_ARCHITECTURES = new Set(
  '386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm'.split(' '),
);

const OS_PART = [/^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?$/, 'OS component', 'OSAndVersion specifier component must match'] as const;
const LATER_PART = [/^[A-Za-z0-9_.-]+$/, 'component', 'platform specifier component must match'] as const;

/** `windows(10.0.17763)` → `windows`: the version says nothing here. */
function systemOf(part: string): string {
  const name = part.replace(/\(.*/, '');
  return name === 'macos' ? 'darwin' : name;
}

/** `linux/arm64/v8`, `linux`, `amd64`, `armhf` … @throws Failure invalidParameter */
export function parsePlatform(text: string): Platform {
  const fail = (what: string): Failure => new Failure('invalidParameter', `${what}: invalid argument`);
  if (text.includes('*')) throw fail(`"${text}": wildcards not yet supported`);
  const parts = text.split('/').map((part) => part.toLowerCase());
  for (const [index, part] of parts.slice(0, 4).entries()) {
    const [pattern, what, rule] = index === 0 ? OS_PART : LATER_PART;
    if (!pattern.test(part)) throw fail(`"${text.split('/')[index]}" is an invalid ${what} of "${text}": ${rule} "${pattern.source}"`);
  }
  if (parts.length > 3) throw fail(`"${text}": cannot parse platform specifier`);
  const host = hostPlatform();
  const [first, second, third] = parts as [string, string?, string?];
  if (second === undefined) {
    if (SYSTEMS.has(systemOf(first))) return normalizePlatform({ ...host, os: systemOf(first) });
    const wanted = normalizePlatform({ os: host.os, architecture: first });
    if (KNOWN_ARCHITECTURES.has(wanted.architecture)) return wanted;
    throw fail(`"${text}": unknown operating system or architecture`);
  }
  return normalizePlatform({ os: systemOf(first), architecture: second, ...(third === undefined ? {} : { variant: third }) });
}

/** Other spellings as containerd's platform matcher knows them. */
export function normalizePlatform(platform: Platform): Platform {
  let { os, architecture, variant = '' } = platform;
  architecture = architecture.toLowerCase();
  if (architecture === 'x86_64' || architecture === 'x86-64') architecture = 'amd64';
  else if (architecture === 'i386') architecture = '386';
  else if (architecture === 'aarch64') architecture = 'arm64';
  else if (architecture === 'armhf') [architecture, variant] = ['arm', 'v7'];
  else if (architecture === 'armel') [architecture, variant] = ['arm', 'v6'];
  if (architecture === 'amd64' && variant === 'v1') variant = '';
  if (architecture === 'arm64' && (variant === '8' || variant === 'v8')) variant = '';
  if (architecture === 'arm' && variant === '') variant = 'v7';
  if (architecture === 'arm' && /^[5-8]$/.test(variant)) variant = `v${variant}`;
  return { os: os.toLowerCase(), architecture, ...(variant === '' ? {} : { variant }) };
}

export const platformText = ({ os, architecture, variant }: Platform): string => [os, architecture, variant].filter(Boolean).join('/');

/** Whether both are the same one, in whatever spelling; not whether one could run the other's programs. */
export function samePlatform(a: Platform, b: Platform): boolean {
  return platformText(normalizePlatform(a)) === platformText(normalizePlatform(b));
}

/** How well `offered` runs where `wanted` does: higher is better, undefined is not at all. */
export function platformScore(wanted: Platform, offered: Platform): number | undefined {
  const want = normalizePlatform(wanted);
  const have = normalizePlatform(offered);
  if (want.os !== have.os) return undefined;
  if (want.architecture === have.architecture) {
    if (want.architecture === 'arm') {
      const level = (platform: Platform): number => Number((platform.variant ?? 'v7').slice(1));
      return level(have) <= level(want) ? 10 + level(have) : undefined;
    }
    const level = (platform: Platform): number => Number((platform.variant ?? 'v0').slice(1)) || 0;
    return level(have) === level(want) ? 10 : level(have) < level(want) ? 5 + level(have) / 10 : undefined;
  }
  // arm64 runs 32-bit arm, amd64 runs 386; only when nothing better is offered.
  if (want.architecture === 'arm64' && have.architecture === 'arm') return 1;
  if (want.architecture === 'amd64' && have.architecture === '386') return 1;
  return undefined;
}

/** The manifest of an index for a platform; attestations (platform unknown/unknown) never match. */
export function choosePlatform(index: Index, wanted: Platform): PlatformDescriptor | undefined {
  let best: { entry: PlatformDescriptor; score: number } | undefined;
  for (const entry of index.manifests) {
    if (entry.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest') continue;
    const { os, architecture, variant } = entry.platform ?? {};
    // An index of one image may leave the platform out.
    const score =
      os && architecture ? platformScore(wanted, { os, architecture, ...(variant ? { variant } : {}) }) : entry.platform ? undefined : 0;
    if (score !== undefined && (!best || score > best.score)) best = { entry, score };
  }
  return best?.entry;
}
