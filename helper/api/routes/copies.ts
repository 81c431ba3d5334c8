import type { CopyHaveRequest, CopyKind, CopySendRequest } from '../../contract/copy.ts';
import type { ContainerCreateRequest, NetworkCreateRequest } from '../../contract/docker/index.ts';
import { type CopyDecoders, MEDIA_TYPE } from '../../engine/copy/index.ts';
import { Failure } from '../../engine/failure.ts';
import { readJson } from '../body.ts';
import { type Call, type Route, route } from '../call.ts';
import { decode, type Shape } from '../decode.ts';
import { sendProgressAlways } from '../progress.ts';
import { begin, sendJson, sendStream } from '../respond.ts';
import { SHAPES } from '../shapes.ts';

/** Copies from engine to engine; docs/api-gantry-copy.md. */
export const copyRoutes: Route[] = [
  route('GET', '/gantry/v1/copy/plan', plan),
  route('POST', '/gantry/v1/copy/have', have),
  route('POST', '/gantry/v1/copy/send', send),
  route('POST', '/gantry/v1/copy/receive', receive),
];

const STRINGS: Shape = { list: 'string' };
const HAVE: Shape = { struct: { Layers: STRINGS, Names: STRINGS, Containers: STRINGS, Volumes: STRINGS, Networks: STRINGS } };
const SEND: Shape = { struct: { Kind: 'string', Name: 'string', Have: STRINGS, LeaveVolumes: STRINGS, Pause: 'bool' } };

function kindOf(text: string): CopyKind {
  if (text === 'image' || text === 'container' || text === 'volume') return text;
  throw new Failure('invalidParameter', `invalid value for "kind": ${JSON.stringify(text)} (image, container or volume)`);
}

async function plan({ engine, query, response }: Call): Promise<void> {
  sendJson(response, 200, await engine.copies.plan(kindOf(query.text('kind')), query.text('name')));
}

async function have({ engine, body, response }: Call): Promise<void> {
  const request = await readJson<CopyHaveRequest>(body, { shape: HAVE, name: 'CopyHaveRequest', required: true });
  sendJson(response, 200, await engine.copies.have(request ?? {}));
}

async function send(call: Call): Promise<void> {
  const request = await readJson<CopySendRequest>(call.body, { shape: SEND, name: 'CopySendRequest', required: true });
  const stream = await call.engine.copies.send({ ...request, Kind: kindOf(request?.Kind ?? ''), Name: request?.Name ?? '' }, call.signal);
  begin(call.response, MEDIA_TYPE);
  await sendStream(call, stream);
}

/** What the other engine asks for goes through what a client's own request goes through. */
const decoders: CopyDecoders = {
  container: (value) => decode(value, SHAPES.containerCreate, 'ContainerCreateRequest') as ContainerCreateRequest,
  network: (value) => decode(value, SHAPES.networkCreate, 'NetworkCreateRequest') as NetworkCreateRequest,
};

async function receive(call: Call): Promise<void> {
  const { engine, query, body, signal } = call;
  const type = body.headers['content-type'] ?? '';
  if (type !== MEDIA_TYPE) throw new Failure('invalidParameter', `unsupported Content-Type header (${type}): must be '${MEDIA_TYPE}'`);
  const name = query.text('name');
  await sendProgressAlways(call, engine.copies.receive(body.stream, { ...(name ? { name } : {}), decoders }, signal));
}
