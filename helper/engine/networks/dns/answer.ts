import dnsPacket, { type Answer, type Packet, type Question } from 'dns-packet';
import type { LiveSandbox } from '../model.ts';
import { addressOfPointer, lookUp, lookUpAddress } from './zone.ts';

const TTL_SECONDS = 600;
const SERVFAIL = 2;
const FORMERR = 1;
const HEADER = 12;

/**
 * The answer to a query from what we know; undefined: not ours, ask elsewhere.
 * A name that we know but that has no record of the kind asked for gets an empty answer, so that nobody asks the world.
 */
export function answerQuery(sandbox: LiveSandbox, query: Packet): Buffer | undefined {
  const [question] = query.questions ?? [];
  if (!question) return respond(query, [], FORMERR);
  const records = recordsFor(sandbox, question);
  return records ? respond(query, records, 0) : undefined;
}

function recordsFor(sandbox: LiveSandbox, { name, type }: Question): Answer[] | undefined {
  if (type === 'PTR') {
    const address = addressOfPointer(name);
    const host = address ? lookUpAddress(sandbox, address) : undefined;
    return host ? [{ type: 'PTR', name, ttl: TTL_SECONDS, class: 'IN', data: host }] : undefined;
  }
  const found = lookUp(sandbox, name);
  if (!found) return undefined;
  const addresses = type === 'A' ? found.v4 : type === 'AAAA' ? found.v6 : [];
  return shuffled(addresses).map((data) => ({ type: type as 'A' | 'AAAA', name, ttl: TTL_SECONDS, class: 'IN', data }));
}

/** No answer could be had, or none may be asked for. */
export const failQuery = (query: Packet): Buffer => respond(query, [], SERVFAIL);

/** A name that is known not to be asked for elsewhere. */
export const emptyAnswer = (query: Packet): Buffer => respond(query, [], 0);

/** To bytes that are no query; undefined where they are not even the beginning of one. */
export function malformed(message: Buffer): Buffer | undefined {
  if (message.length < HEADER || message.readUInt8(2) & 0x80) return undefined;
  const answer = Buffer.alloc(HEADER);
  message.copy(answer, 0, 0, 2);
  answer.writeUInt16BE(0x8000 | FORMERR, 2);
  return answer;
}

function respond(query: Packet, answers: Answer[], code: number): Buffer {
  const wantsRecursion = ((query.flags ?? 0) & dnsPacket.RECURSION_DESIRED) !== 0;
  const flags = dnsPacket.RECURSION_AVAILABLE | (wantsRecursion ? dnsPacket.RECURSION_DESIRED : 0) | code;
  return dnsPacket.encode({ id: query.id ?? 0, type: 'response', flags, questions: query.questions ?? [], answers });
}

/**
 * Cuts an answer that does not fit a datagram, with the sign to ask again over TCP. What fits stays: some C libraries (musl
 * before 1.2.4) never ask again.
 */
export function fitDatagram(answer: Buffer, query: Packet): Buffer {
  const opt = (query.additionals ?? []).find((record) => record.type === 'OPT');
  const limit = Math.max(512, (opt as { udpPayloadSize?: number } | undefined)?.udpPayloadSize ?? 512);
  if (answer.length <= limit) return answer;
  const { id = 0, flags = 0, questions = [], answers = [] } = dnsPacket.decode(answer);
  const cut = (kept: Answer[]): Buffer =>
    dnsPacket.encode({ id, type: 'response', flags: flags | dnsPacket.TRUNCATED_RESPONSE, questions, answers: kept });
  const empty = cut([]).length;
  // Answers to one question are of one size.
  const each = cut(answers.slice(0, 1)).length - empty;
  return cut(answers.slice(0, Math.max(0, Math.floor((limit - empty) / each))));
}

/** Clients take the first address: each gets another one first. */
function shuffled<T>(items: T[]): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [result[index], result[other]] = [result[other] as T, result[index] as T];
  }
  return result;
}
