import * as v from 'valibot';
import { Failure } from '../failure.ts';
import type { Archive } from './archive.ts';
import { archiveFile, archiveJson, archiveLayer } from './archive.ts';

const ID = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const TEXT = v.nullish(v.string());
const LEGACY_IMAGE = v.looseObject({
  parent: v.nullish(ID),
  created: TEXT,
  author: TEXT,
  comment: TEXT,
  container_config: v.nullish(v.looseObject({ Cmd: v.nullish(v.array(v.string())) })),
});
type LegacyImage = v.InferOutput<typeof LEGACY_IMAGE>;
/** Repository → tag → id. */
const REPOSITORIES = v.record(v.string(), v.record(v.string(), ID));

/** What the file is about and not the image: a config has these elsewhere, or not at all. */
const NOT_CONFIG = ['id', 'parent', 'parent_id', 'layer_id', 'Size', 'throwaway'];

/**
 * Archives of Docker before 1.10 (and of tools that still write them): a folder for each step with its `json` and `layer.tar`, names in
 * `repositories`. Made into what manifest.json would say; the configs are put into the archive.
 *
 * @returns the images that have a name, and those that no other is made from; none when the archive is not of this kind
 * @throws Failure invalidParameter when steps are missing
 * Source: Docker Image Specification v1.0.0
 */
export function fromLegacy(archive: Archive): { Config: string; RepoTags: string[]; Layers: string[] }[] {
  const steps = new Map<string, LegacyImage>();
  for (const path of archive.files.keys()) {
    const [, id] = /^([0-9a-f]{64})\/json$/.exec(path) ?? [];
    if (id) steps.set(id, parse(LEGACY_IMAGE, archive, path));
  }
  if (steps.size === 0) return [];
  const names = new Map<string, string[]>();
  const repositories = archiveFile(archive, 'repositories') ? parse(REPOSITORIES, archive, 'repositories') : {};
  for (const [repository, tags] of Object.entries(repositories)) {
    for (const [tag, id] of Object.entries(tags)) names.set(id, [...(names.get(id) ?? []), `${repository}:${tag}`]);
  }
  const parents = new Set([...steps.values()].map(({ parent }) => parent));
  const wanted = new Set([...names.keys(), ...[...steps.keys()].filter((id) => !parents.has(id))]);
  return [...wanted].map((id) => {
    const chain = chainOf(steps, id);
    const layers = chain.map((step) => ({ step, path: layerPath(archive, step) }));
    const file = `${id}/config`;
    archive.files.set(file, configOf(archive, steps, layers));
    return { Config: file, RepoTags: names.get(id) ?? [], Layers: layers.flatMap(({ path }) => path ?? []) };
  });
}

function parse<T extends v.GenericSchema>(schema: T, archive: Archive, path: string): v.InferOutput<T> {
  const result = v.safeParse(schema, archiveJson(archive, path));
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Failure('invalidParameter', `invalid archive: ${path}: ${v.getDotPath(issue) ?? ''}: ${issue.message}`);
}

/** Ids of the steps, the first one first. */
function chainOf(steps: ReadonlyMap<string, LegacyImage>, id: string): string[] {
  const chain: string[] = [];
  for (let next: string | null | undefined = id; next; next = steps.get(next)?.parent) {
    if (!steps.has(next)) throw new Failure('invalidParameter', `invalid archive: does not contain ${next}/json`);
    if (chain.length > steps.size) throw new Failure('invalidParameter', `invalid archive: ${id} is made from itself`);
    chain.unshift(next);
  }
  return chain;
}

/** Undefined: the step changed no file. Its archive is empty then, or nothing but its end. */
function layerPath(archive: Archive, id: string): string | undefined {
  const path = `${id}/layer.tar`;
  if (archiveLayer(archive, path)) return path;
  if (archiveFile(archive, path)?.every((byte) => byte === 0)) return undefined;
  throw new Failure('invalidParameter', `invalid archive: does not contain ${path}`);
}

function configOf(archive: Archive, steps: ReadonlyMap<string, LegacyImage>, layers: { step: string; path: string | undefined }[]): Buffer {
  const last = steps.get(layers.at(-1)?.step ?? '') ?? {};
  const history = layers.map(({ step, path }) => {
    const { created, author, comment, container_config } = steps.get(step) ?? {};
    const created_by = container_config?.Cmd?.join(' ');
    return {
      ...(created ? { created } : {}),
      ...(author ? { author } : {}),
      ...(created_by ? { created_by } : {}),
      ...(comment ? { comment } : {}),
      ...(path ? {} : { empty_layer: true }),
    };
  });
  const diff_ids = layers.flatMap(({ path }) => (path ? (archiveLayer(archive, path)?.diffId ?? []) : []));
  const config = Object.entries(last).filter(([key]) => !NOT_CONFIG.includes(key));
  return Buffer.from(JSON.stringify({ ...Object.fromEntries(config), rootfs: { type: 'layers', diff_ids }, history }));
}
