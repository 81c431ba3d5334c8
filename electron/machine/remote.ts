import type { Duplex } from 'node:stream';
import { anySignal } from '../hosts/abort.ts';
import { type SshSession, shellQuoted } from '../ssh/index.ts';
import { parseReading, type Reading } from './parse.ts';

/** Reads a machine's state again and again. */
export interface MachineReader {
  /** @returns undefined if the machine does not say anything that is understood */
  read(signal: AbortSignal): Promise<Reading | undefined>;
  close(): void;
}

/** df waits for file systems that have gone away. */
const READ_MS = 10_000;
const LIMIT_BYTES = 64 * 1024;
const BEGIN = 'gantry-sample 1';
const END = 'gantry-end';

/**
 * One line, without quotes ' and backslashes, so that any login shell hands it to `sh` unchanged. It answers each line that it gets, and
 * ends with its input: nothing of it stays on the machine.
 */
const SCRIPT = [
  'LC_ALL=C; export LC_ALL',
  'while read -r ask; do',
  `echo ${BEGIN}; head -n 1 /proc/stat; echo "load $(cat /proc/loadavg)"; echo "uptime $(cat /proc/uptime)"`,
  'grep -E "^(Mem(Total|Free|Available)|Buffers|Cached|Swap(Total|Free)):" /proc/meminfo',
  'df -P -k / "$1" | while read -r line; do echo "disk $line"; done',
  `echo ${END}; done 2>/dev/null`,
]
  .join('; ')
  .replaceAll('do; ', 'do ');

/** @param folder on a file system of interest besides `/`; what is no plain path is left out */
export async function remoteReader(session: SshSession, folder: string, signal: AbortSignal): Promise<MachineReader> {
  const path = /^\/[\w./@+-]{0,200}$/.test(folder) ? folder : '/';
  return readerOn(await session.openCommand(`sh -c ${shellQuoted(SCRIPT)} sh ${path}`, signal));
}

/** @param stream the script's input and output */
export function readerOn(stream: Duplex): MachineReader {
  let text = '';
  let over: Error | undefined;
  let wake = () => {};
  const end = (error: Error) => {
    over ??= error;
    wake();
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > LIMIT_BYTES) {
      stream.destroy();
      end(new Error('The machine says more than it was asked for'));
    }
    wake();
  });
  stream.on('error', end);
  stream.on('close', () => end(new Error('The command on the machine ended')));
  return {
    async read(signal) {
      const limit = anySignal(signal, AbortSignal.timeout(READ_MS));
      limit.signal.addEventListener('abort', () => wake(), { once: true });
      try {
        text = '';
        if (!over) stream.write('\n');
        for (;;) {
          const to = text.indexOf(`\n${END}\n`);
          if (to !== -1) {
            const from = text.lastIndexOf(BEGIN, to);
            return from === -1 ? undefined : understood(parseReading(text.slice(from + BEGIN.length, to)));
          }
          if (over) throw over;
          if (limit.signal.aborted) throw limit.signal.reason;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        limit.release();
      }
    },
    close: () => stream.destroy(),
  };
}

/** Neither processors nor memory: no Linux, or nothing that may be read. */
export function understood(reading: Reading): Reading | undefined {
  return reading.cpu || reading.memory ? reading : undefined;
}
