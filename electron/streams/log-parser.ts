import { type CutLine, LineSplitter } from '../engine-client/lines.ts';
import { Stdcopy } from '../engine-client/stdcopy.ts';
import { type LogTime, LogTimeReader } from './log-time.ts';

export interface ParsedLine {
  /** Undefined: the engine gave none. All pieces of a very long line have the same. */
  time: LogTime | undefined;
  /** The time as the engine wrote it. */
  stamp: string;
  err: boolean;
  text: string;
  /** What it took on the wire. */
  bytes: number;
}

/** A longer line comes in pieces. */
const PIECE_BYTES = 48 * 1024;
/** dockerd keeps a line of more than 16 KiB in parts and, reading, puts the time stamp before each of them. */
const DOCKER_PART_BYTES = 16 * 1024;

/** Takes apart GET /containers/{id}/logs with timestamps=1: multiplexed, or raw if the container has a TTY. */
export class LogParser {
  readonly #stdcopy: Stdcopy | undefined;
  readonly #out = new LineReader(false);
  readonly #err = new LineReader(true);

  constructor(tty: boolean) {
    this.#stdcopy = tty ? undefined : new Stdcopy();
  }

  /** @throws ProtocolError if a multiplexed stream is none */
  push(chunk: Buffer): ParsedLine[] {
    if (!this.#stdcopy) return this.#out.push(chunk);
    const lines: ParsedLine[] = [];
    for (const { stream, data } of this.#stdcopy.push(chunk)) {
      for (const line of (stream >= 2 ? this.#err : this.#out).push(data)) lines.push(line);
    }
    return lines;
  }

  /** Lines without an end when the log has ended. Not after a cut: they come again whole. */
  flush(): ParsedLine[] {
    return [...this.#out.flush(), ...this.#err.flush()];
  }
}

class LineReader {
  readonly #err: boolean;
  readonly #splitter = new LineSplitter(PIECE_BYTES);
  readonly #times = new LogTimeReader();
  /** Within a line that comes in pieces: its stamp. */
  #within: { stamp: string; time: LogTime | undefined } | undefined;

  constructor(err: boolean) {
    this.#err = err;
  }

  push(data: Buffer): ParsedLine[] {
    return this.#splitter.push(data).map((line) => this.#read(line));
  }

  flush(): ParsedLine[] {
    const rest = this.#splitter.flush();
    return rest ? [this.#read(rest)] : [];
  }

  #read({ data, bytes, ended }: CutLine): ParsedLine {
    let from = 0;
    let { stamp, time } = this.#within ?? { stamp: '', time: undefined };
    if (!this.#within) {
      const space = data.subarray(0, 40).indexOf(32);
      // An empty line is its stamp and one space; some engines leave that space out.
      const end = space === -1 ? Math.min(data.length, 40) : space;
      stamp = data.toString('latin1', 0, end);
      time = this.#times.read(stamp);
      if (time) from = Math.min(data.length, end + 1);
      else stamp = '';
    }
    let text = data.toString('utf8', from);
    if (stamp !== '' && (this.#within || data.length > DOCKER_PART_BYTES)) text = text.replaceAll(`${stamp} `, '');
    this.#within = ended ? undefined : { stamp, time };
    return { time, stamp, err: this.#err, text, bytes };
  }
}
