import * as v from 'valibot';
import type { CopyHave, CopyPlan, CopyResult } from '../../helper/contract/copy.ts';
import { type EngineClient, EngineError, ProtocolError } from '../engine-client/index.ts';

/** Answers of engines, checked: one end of a transfer must not be able to make the other believe anything. */

const texts = v.array(v.string());
const listed = v.nullish(texts, []);
const map = v.record(v.string(), v.string());
const mapped = v.nullish(map, {});

export const planAnswer = v.object({
  Kind: v.picklist(['image', 'container', 'volume']),
  Name: v.string(),
  Image: v.optional(v.object({ Id: v.string(), Names: texts, Layers: v.array(v.object({ DiffId: v.string(), Bytes: v.number() })) })),
  Container: v.optional(
    v.object({
      Id: v.string(),
      Running: v.boolean(),
      Paused: v.boolean(),
      AutoRemove: v.boolean(),
      Privileged: v.boolean(),
      WritableBytes: v.number(),
      Binds: texts,
      Ports: texts,
    }),
  ),
  Volumes: v.array(v.object({ Name: v.string(), Anonymous: v.boolean(), Bytes: v.number(), Data: v.boolean(), UsedBy: texts })),
  Networks: texts,
  Warnings: texts,
}) satisfies v.GenericSchema<CopyPlan>;

export const haveAnswer = v.object({
  Layers: texts,
  Names: map,
  Containers: texts,
  Volumes: texts,
  Networks: texts,
}) satisfies v.GenericSchema<CopyHave>;

export const resultAnswer = v.object({
  Kind: v.picklist(['image', 'container', 'volume']),
  Id: v.string(),
  Name: v.string(),
  Warnings: texts,
}) satisfies v.GenericSchema<CopyResult>;

/** A line of receive, load or import. */
export const progressLine = v.object({
  status: v.optional(v.string(), ''),
  id: v.optional(v.string(), ''),
  error: v.optional(v.string()),
  errorDetail: v.optional(v.object({ message: v.optional(v.string()) })),
  aux: v.optional(v.unknown()),
});

const unknownMap = v.nullish(v.record(v.string(), v.unknown()), {});

export const containerAnswer = v.object({
  Id: v.string(),
  Name: v.string(),
  Image: v.string(),
  RestartCount: v.optional(v.number(), 0),
  SizeRw: v.optional(v.number(), -1),
  State: v.object({
    Status: v.optional(v.string(), ''),
    Running: v.optional(v.boolean(), false),
    Paused: v.optional(v.boolean(), false),
    Restarting: v.optional(v.boolean(), false),
    ExitCode: v.optional(v.number(), 0),
    Error: v.optional(v.string(), ''),
    Health: v.nullish(v.object({ Status: v.optional(v.string(), '') })),
  }),
  Config: unknownMap,
  HostConfig: unknownMap,
  Mounts: v.nullish(
    v.array(
      v.object({
        Type: v.optional(v.string(), ''),
        Name: v.optional(v.string(), ''),
        Source: v.optional(v.string(), ''),
        Destination: v.optional(v.string(), ''),
        RW: v.optional(v.boolean(), true),
      }),
    ),
    [],
  ),
  NetworkSettings: v.object({ Networks: unknownMap }),
});
export type ContainerAnswer = v.InferOutput<typeof containerAnswer>;

export const imageAnswer = v.object({ Id: v.string(), Size: v.optional(v.number(), 0), RepoTags: listed });
export const volumeAnswer = v.object({
  Name: v.string(),
  CreatedAt: v.optional(v.string()),
  Driver: v.optional(v.string(), ''),
  Options: mapped,
  Labels: mapped,
});
export const networkAnswer = v.looseObject({ Id: v.string(), Name: v.string(), Driver: v.optional(v.string(), 'bridge') });
export const createdAnswer = v.object({ Id: v.string(), Warnings: listed });

/** @throws EngineError, ProtocolError when the answer has another shape */
export async function ask<S extends v.GenericSchema>(
  client: EngineClient,
  schema: S,
  method: 'GET' | 'POST',
  path: string,
  options: { json?: unknown; signal?: AbortSignal } = {},
): Promise<v.InferOutput<S>> {
  const { json, signal } = options;
  const answer = await client.json(method, path, { ...(json === undefined ? {} : { body: { json } }), ...(signal && { signal }) });
  const parsed = v.safeParse(schema, answer);
  if (!parsed.success) throw new ProtocolError(`${method} ${path.replace(/\?.*/, '')}: the answer is not as the API says`);
  return parsed.output;
}

/** Undefined for what is not there. */
export async function askIfThere<S extends v.GenericSchema>(
  client: EngineClient,
  schema: S,
  path: string,
  signal?: AbortSignal,
): Promise<v.InferOutput<S> | undefined> {
  try {
    return await ask(client, schema, 'GET', path, signal ? { signal } : {});
  } catch (error) {
    if (error instanceof EngineError && (error.status === 404 || error.status === 400)) return undefined;
    throw error;
  }
}

/** A request whose answer says nothing but that it was done. What was so already counts as done. */
export async function tell(client: EngineClient, method: 'POST' | 'DELETE', path: string, signal?: AbortSignal): Promise<void> {
  await client.json(method, path, signal ? { signal } : {});
}

/** Deletes what a transfer has made itself, also where others are asked for the host's name first. */
export async function unmake(client: EngineClient, path: string): Promise<void> {
  await client.json('DELETE', path, { own: true });
}

/** The name of an image in a path: its slashes stay. */
export const imagePath = (name: string): string => name.split('/').map(encodeURIComponent).join('/').replaceAll('%3A', ':');
