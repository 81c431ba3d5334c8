import * as v from 'valibot';
import { Failure, messageOf } from '../engine/failure.ts';
import type { Platform } from '../engine/images/types.ts';

const PlatformJson = v.looseObject({
  os: v.optional(v.string(), ''),
  architecture: v.optional(v.string(), ''),
  variant: v.optional(v.string(), ''),
  'os.version': v.optional(v.string(), ''),
  'os.features': v.optional(v.nullable(v.array(v.string()))),
});

/**
 * A `platform` of the query as clients of 1.46 and newer write it: an OCI platform as JSON.
 *
 * @throws Failure invalidParameter
 */
function readPlatform(text: string): Platform {
  let value: v.InferOutput<typeof PlatformJson>;
  try {
    value = v.parse(PlatformJson, JSON.parse(text));
  } catch (error) {
    throw new Failure('invalidParameter', `failed to parse platform: ${messageOf(error)}`);
  }
  const { os, architecture, variant } = value;
  if (!os && !architecture && (variant || value['os.version'] || value['os.features']?.length)) {
    throw new Failure('invalidParameter', 'optional platform fields provided, but OS and Architecture are missing');
  }
  if (!os || !architecture) throw new Failure('invalidParameter', 'both OS and Architecture must be provided');
  return { os, architecture, ...(variant ? { variant } : {}) };
}

/**
 * The one platform that was asked for; clients that name several are told.
 *
 * @throws Failure invalidParameter
 */
export function onePlatform(texts: readonly string[]): Platform | undefined {
  const [first, ...others] = texts.filter(Boolean);
  if (others.length > 0) {
    throw new Failure('invalidParameter', 'multiple platform parameters not supported');
  }
  return first === undefined ? undefined : readPlatform(first);
}
