import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import * as v from 'valibot';
import { type EngineClient, EngineError, jsonLines } from '../../engine-client/index.ts';

export const STARTER_REFERENCE = 'gantry/starter:latest';

const progress = v.object({ stream: v.optional(v.string()), error: v.optional(v.string()) });

/**
 * Loads the starter image's archive into an engine (POST /images/load).
 *
 * @returns its reference there
 * @throws EngineError with the engine's words
 */
export async function loadStarter(client: EngineClient, archive: string): Promise<string> {
  const { size } = await stat(archive);
  const answer = await client.stream('POST', '/images/load?quiet=1', {
    headers: { 'Content-Type': 'application/x-tar', 'Content-Length': size },
    body: createReadStream(archive),
  });
  for await (const message of jsonLines(answer.body)) {
    const parsed = v.safeParse(progress, message);
    if (parsed.success && parsed.output.error) throw new EngineError(500, parsed.output.error);
  }
  return STARTER_REFERENCE;
}
