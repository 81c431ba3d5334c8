import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { readJson, writeJson } from '../../store/durable.ts';
import type { Log } from '../context.ts';

/** The engine's id: made once, kept with its data. */
export async function engineId(dataFolder: string, log: Log): Promise<string> {
  const file = path.join(dataFolder, 'engine.json');
  const stored = await readJson(file, (value) => {
    const { version, id } = value as { version?: unknown; id?: unknown };
    if (version !== 1 || typeof id !== 'string' || id === '') throw new Error('not an engine identity');
    return id;
  });
  if (stored.status === 'ok') return stored.value;
  if (stored.status === 'damaged') log.error("the engine's identity can not be read: it gets another one", { ...stored });
  const id = randomUUID();
  await writeJson(file, { version: 1, id });
  return id;
}
