import * as sockets from './sockets.ts';

/**
 * A netlink socket: requests are built as bytes, sent, and their answers read, all synchronously, since the kernel has
 * answered by the time `send` returns. One request takes some ten microseconds; spawning `ip` takes milliseconds.
 * Byte order is the machine's; all that Node runs on here are little-endian.
 * Source: netlink(7), rtnetlink(7).
 */
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
export const NLM_F_REPLACE = 0x100;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const SOL_NETLINK = 270;
const NETLINK_EXT_ACK = 11;
const NETLINK_CAP_ACK = 10;
const NLM_F_ACK_TLVS = 0x200;
const HEADER = 16;

/** An attribute: 4-byte header, payload, padding to 4. */
export function attribute(type: number, payload: Uint8Array | number | string): Buffer {
  let bytes: Uint8Array;
  if (typeof payload === 'number') {
    bytes = Buffer.alloc(4);
    (bytes as Buffer).writeUInt32LE(payload >>> 0);
  } else if (typeof payload === 'string') bytes = Buffer.from(`${payload}\0`);
  else bytes = payload;
  const length = 4 + bytes.length;
  const buffer = Buffer.alloc((length + 3) & ~3);
  buffer.writeUInt16LE(length, 0);
  buffer.writeUInt16LE(type, 2);
  buffer.set(bytes, 4);
  return buffer;
}

export function nested(type: number, ...attributes: Uint8Array[]): Buffer {
  return attribute(type, Buffer.concat(attributes));
}

/** A message without its header. */
export interface Message {
  type: number;
  flags: number;
  ack: boolean;
  body: Uint8Array;
}

/** Attributes by type; the last of a kind wins. */
export function parseAttributes(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) break;
    found.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

export class Netlink {
  readonly #fd: number;
  #sequence = 1;
  static readonly #buffer = Buffer.alloc(64 * 1024);

  /** In the network namespace that the main thread is in now. */
  constructor(protocol = NETLINK_ROUTE) {
    this.#fd = sockets.socket(sockets.AF_NETLINK, sockets.SOCK_RAW, protocol);
    sockets.setsockopt(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    sockets.setsockopt(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  }

  close(): void {
    sockets.close(this.#fd);
  }

  /** @throws SystemError with the kernel's errno and, where it gives one, its words */
  request(what: string, type: number, flags: number, body: Uint8Array): void {
    this.#exchange(what, type, flags | NLM_F_ACK, body);
  }

  /** One answer, such as a link by its name. */
  get(what: string, type: number, body: Uint8Array): Buffer | undefined {
    return this.#exchange(what, type, NLM_F_ACK, body)[0]?.body;
  }

  /** All objects of a kind: the bodies after the message header. */
  dump(what: string, type: number, body: Uint8Array): { type: number; body: Buffer }[] {
    return this.#exchange(what, type, NLM_F_DUMP, body);
  }

  /**
   * Messages in one send, which the kernel takes together or not at all when the first and the last say so (nfnetlink's
   * batches). Those with `ack` are answered; one at least must be.
   */
  transaction(what: string, messages: Message[]): void {
    const first = this.#sequence;
    const parts = messages.map(({ type, flags, ack, body }) => this.#message(type, flags | (ack ? NLM_F_ACK : 0), body));
    sockets.send(this.#fd, Buffer.concat(parts));
    this.#answers(what, first, first + messages.findLastIndex((message) => message.ack));
  }

  #message(type: number, flags: number, body: Uint8Array): Buffer {
    const message = Buffer.alloc((HEADER + body.length + 3) & ~3);
    message.writeUInt32LE(HEADER + body.length, 0);
    message.writeUInt16LE(type, 4);
    message.writeUInt16LE(flags | NLM_F_REQUEST, 6);
    message.writeUInt32LE(this.#sequence++, 8);
    message.set(body, HEADER);
    return message;
  }

  #exchange(what: string, type: number, flags: number, body: Uint8Array): { type: number; body: Buffer }[] {
    const sequence = this.#sequence;
    sockets.send(this.#fd, this.#message(type, flags, body));
    return this.#answers(what, sequence, sequence);
  }

  /** All answers to the messages numbered `first` to `last`, until the last is answered for good or one failed. */
  #answers(what: string, first: number, last: number): { type: number; body: Buffer }[] {
    const answers: { type: number; body: Buffer }[] = [];
    for (;;) {
      const length = sockets.recv(this.#fd, Netlink.#buffer);
      for (let at = 0; at + HEADER <= length; ) {
        const size = Netlink.#buffer.readUInt32LE(at);
        const kind = Netlink.#buffer.readUInt16LE(at + 4);
        const answerFlags = Netlink.#buffer.readUInt16LE(at + 6);
        const payload = Netlink.#buffer.subarray(at + HEADER, at + size);
        const number = Netlink.#buffer.readUInt32LE(at + 8);
        at += (size + 3) & ~3;
        // Answers to a transaction that failed before them, still in the queue.
        if (number < first || number > last) continue;
        if (kind === NLMSG_DONE) return answers;
        if (kind === NLMSG_ERROR) {
          const errno = -payload.readInt32LE(0);
          if (errno === 0 && number === last) return answers;
          if (errno === 0) continue;
          // The original header (16 bytes, CAP_ACK) follows the code, then the extended answer with the kernel's words.
          const words = answerFlags & NLM_F_ACK_TLVS ? parseAttributes(payload.subarray(20)).get(1) : undefined;
          throw new sockets.SystemError(what, errno, words?.toString('utf8').replace(/\0.*$/s, ''));
        }
        answers.push({ type: kind, body: Buffer.from(payload) });
      }
    }
  }
}
