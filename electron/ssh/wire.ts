/** Reads what SSH puts on the wire: numbers, and bytes with their length before them. All throw RangeError beyond the end. Source: RFC 4251, 5 */
export class WireReader {
  readonly #data: Buffer;
  #at: number;

  constructor(data: Buffer, at = 0) {
    this.#data = data;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  get ended(): boolean {
    return this.#at >= this.#data.length;
  }

  byte(): number {
    return this.#take(1).readUInt8();
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  /** A `string` of the protocol. */
  bytes(): Buffer {
    return this.#take(this.uint32());
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  #take(length: number): Buffer {
    const from = this.#at;
    if (from + length > this.#data.length) throw new RangeError('it ends too early');
    this.#at = from + length;
    return this.#data.subarray(from, this.#at);
  }
}

export function wireUint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

/** With the length before them. */
export function wireBytes(...parts: (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return Buffer.concat([wireUint32(content.length), content]);
}
