import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { type EngineClient, EngineError, jsonLines, ProtocolError } from '../../engine-client/index.ts';
import { ask, createdAnswer, progressLine, unmake, volumeAnswer } from '../answers.ts';
import { type Carried, type Carrying, nothingMade, pipeOver } from '../carry.ts';

/** An archive without entries: an image of nothing, of which a container is made that never runs. */
const EMPTY_ARCHIVE = Buffer.alloc(1024);
const PLACE = '/volume';
/** Which transfer a container that only holds a volume belongs to. */
export const HOLDER_LABEL = 'dev.gantry.transfer';

/** By an archive of a container that has the volume and never runs. Owners, modes and times travel. */
export async function carryVolume(carrying: Carrying, name: string, as = name, made = nothingMade()): Promise<Carried> {
  const { from, to, signal } = carrying;
  const source = await ask(from, volumeAnswer, 'GET', `/volumes/${encodeURIComponent(name)}`, { signal });
  const json = { Name: as, Driver: source.Driver === 'local' ? 'local' : '', Labels: source.Labels, DriverOpts: source.Options };
  const { CreatedAt } = await ask(to, volumeAnswer, 'POST', '/volumes/create', { json, signal });
  made.volumes.push({ name: as, createdAt: CreatedAt });
  await carrying.keep(made);
  try {
    // What its options mount from elsewhere is not copied.
    if (Object.keys(source.Options).length === 0) {
      await withHolder(from, name, carrying, (there) =>
        withHolder(to, as, carrying, async (here) => {
          const archive = await from.stream('GET', `/containers/${there}/archive?path=${PLACE}/.`, { signal });
          const path = `/containers/${here}/archive?path=${PLACE}&noOverwriteDirNonDir=0`;
          await pipeOver(carrying, archive.body, { method: 'PUT', path, type: 'application/x-tar' });
        }),
      );
    }
  } catch (error) {
    await unmake(to, `/volumes/${encodeURIComponent(as)}`).catch(() => undefined);
    throw error;
  }
  return { id: as, name: as, warnings: [], made };
}

/** Runs `work` with a container that has the volume, made of nothing and taken away afterwards. */
async function withHolder(
  client: EngineClient,
  volume: string,
  { id: transfer, signal }: Carrying,
  work: (id: string) => Promise<void>,
): Promise<void> {
  const image = await importEmpty(client, signal);
  let id: string | undefined;
  try {
    const json = {
      Image: image,
      Cmd: ['none'],
      NetworkDisabled: true,
      Labels: { 'dev.gantry.copy': volume, [HOLDER_LABEL]: transfer },
      HostConfig: { Binds: [`${volume}:${PLACE}`], NetworkMode: 'none' },
    };
    ({ Id: id } = await ask(client, createdAnswer, 'POST', '/containers/create', { json, signal }));
    await work(id);
  } finally {
    if (id) await unmake(client, `/containers/${id}?force=1`).catch(() => undefined);
    await unmake(client, `/images/${image}?force=1`).catch(() => undefined);
  }
}

/** @returns its id: what it is called differs between engines. Each is its own, so that taking it away takes it from nobody */
async function importEmpty(client: EngineClient, signal: AbortSignal): Promise<string> {
  const query = new URLSearchParams({ fromSrc: '-', message: `copy ${randomBytes(8).toString('hex')}` });
  const answer = await client.stream('POST', `/images/create?${query}`, {
    headers: { 'Content-Type': 'application/x-tar' },
    body: EMPTY_ARCHIVE,
    signal,
  });
  let id: string | undefined;
  for await (const message of jsonLines(answer.body)) {
    const parsed = v.safeParse(progressLine, message);
    if (!parsed.success) continue;
    if (parsed.output.error) throw new EngineError(500, parsed.output.error);
    id = /\b[0-9a-f]{64}\b/.exec(`${parsed.output.status} ${parsed.output.id}`)?.[0] ?? id;
  }
  if (!id) throw new ProtocolError('POST /images/create: the answer does not name the image');
  return id;
}
