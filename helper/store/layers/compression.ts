/**
 * What a stream is compressed with, told from its first bytes, and how to undo that.
 *
 * gzip is node:zlib (0.33 s for the six test layers, gunzip needs 0.88 s). zstd is node:zlib where Node has it (22.15 on);
 * before that, and for bzip2 and xz, the tools of the same names are spawned: they stream, and the helper's package
 * depends on them. (fzstd, the pure JavaScript decoder that is alive on npm, was 8 times slower than `zstd -dc`.)
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import zlib from 'node:zlib';
import { Failure } from '../../engine/failure.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz';

const MAGICS: [Compression, number[]][] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
];

/** @param start the first bytes, six at least where there are as many */
export function detectCompression(start: Uint8Array): Compression {
  for (const [name, magic] of MAGICS) {
    if (start.length >= magic.length && magic.every((byte, i) => start[i] === byte)) return name;
  }
  // A skippable frame may come first in zstd (0x184D2A50 to 5F).
  if (start.length >= 4 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18 && ((start[0] as number) & 0xf0) === 0x50)
    return 'zstd';
  return 'none';
}

/** What undoes a compression for a consumer that is synchronous: nothing waits in memory, however much a few bytes become. */
export interface Decompressor {
  /** Resolves when the chunk was taken; output comes through `output` before that or later. */
  write(chunk: Buffer): Promise<void>;
  /** Resolves when all output has come. */
  end(): Promise<void>;
  destroy(): void;
}

/** Bytes that tell every compression. */
const START = 6;
const CHUNK = 256 * 1024;
/** An xz file says itself how much memory it wants, up to 4 GiB; `xz -9` wants 65 MiB. */
const XZ_MEMORY = '256MiB';

/**
 * A stream as it was before it was compressed; what is not compressed passes as it is. Pulled: a few bytes that become
 * gigabytes are decompressed only as fast as somebody reads them.
 * @throws Failure invalidParameter on bad data
 */
export async function* decompressed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  try {
    while (start.length < START) {
      const next = await chunks.next();
      if (next.done) break;
      start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
    }
    const compression = detectCompression(start);
    const all = (async function* (): AsyncGenerator<Buffer> {
      if (start.length > 0) yield start;
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
    })();
    if (compression === 'none') yield* all;
    else yield* through(all, compression);
  } finally {
    await chunks.return?.();
  }
}

async function* through(source: AsyncGenerator<Buffer>, compression: Exclude<Compression, 'none'>): AsyncGenerator<Buffer> {
  const stage = stageFor(compression);
  let sourceError: { error: unknown } | undefined;
  const fed = (async () => {
    try {
      for await (const chunk of source) {
        if (stage.input.destroyed || stage.input.writableEnded) return;
        if (!stage.input.write(chunk)) await writable(stage.input);
      }
      stage.input.end();
    } catch (error) {
      sourceError = { error };
      stage.destroy();
    }
  })();
  try {
    for await (const piece of stage.output as AsyncIterable<Buffer>) yield piece;
    await stage.whole();
    await fed;
  } catch (error) {
    throw sourceError ? sourceError.error : stage.wordsFor(error as NodeJS.ErrnoException);
  } finally {
    stage.destroy();
  }
}

/** Resolves when a stream takes more, or never will. */
function writable(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.on(event, done);
    if (stream.destroyed) done();
  });
}

interface Stage {
  input: Writable;
  output: Readable;
  /** Resolves when the end was an orderly one. */
  whole(): Promise<void>;
  wordsFor(error: NodeJS.ErrnoException): Error;
  destroy(): void;
}

function stageFor(compression: Exclude<Compression, 'none'>): Stage {
  const stream = builtinStream(compression);
  if (stream) {
    stream.on('error', () => {});
    return {
      input: stream,
      output: stream,
      whole: async () => {},
      wordsFor: (error) => damaged(compression, error),
      destroy: () => stream.destroy(),
    };
  }
  const { child, ended } = startTool(compression);
  return {
    input: child.stdin,
    output: child.stdout,
    whole: () => ended,
    wordsFor: (error) => error,
    destroy: () => {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stdin.destroy();
    },
  };
}

function builtinStream(compression: Compression): Duplex | undefined {
  if (compression === 'gzip') return zlib.createGunzip({ chunkSize: CHUNK });
  const builtin = (zlib as unknown as { createZstdDecompress?: (options: object) => Duplex }).createZstdDecompress;
  return compression === 'zstd' ? builtin?.({ chunkSize: CHUNK }) : undefined;
}

function damaged(compression: Compression, error: NodeJS.ErrnoException): Failure {
  if (error instanceof Failure) return error;
  return new Failure('invalidParameter', error.code === 'Z_BUF_ERROR' ? 'unexpected EOF' : `invalid ${compression} data: ${error.message}`);
}

/**
 * @param output called with each piece; what it throws is thrown by `write` or `end`. The piece is used up when it returns:
 * its memory is used again. gunzip runs in this thread.
 */
export function createDecompressor(compression: Compression, output: (chunk: Buffer) => void): Decompressor {
  if (compression === 'none') {
    return {
      async write(chunk) {
        output(chunk);
      },
      async end() {},
      destroy() {},
    };
  }
  const gunzip = compression === 'gzip' ? gunzipInPlace(output) : undefined;
  if (gunzip) return gunzip;
  const stream = builtinStream(compression);
  return stream ? fromDuplex(stream, output, compression) : fromProcess(compression as 'zstd' | 'bzip2' | 'xz', output);
}

/** The part of node:zlib below its streams, which zlib's own synchronous functions use. */
interface ZlibHandle {
  writeSync(flush: number, input: Buffer, inOffset: number, inLength: number, output: Buffer, outOffset: number, outLength: number): void;
  /** Called within writeSync. */
  onerror: (message: string) => void;
}

/**
 * gunzip into one buffer that is used again and again. zlib's streams allocate (and the kernel zeroes) every piece anew
 * and cross to the thread pool for each, which took longer than the decompression itself.
 * @returns undefined where this Node has no such handle: streams serve then
 */
function gunzipInPlace(output: (chunk: Buffer) => void): Decompressor | undefined {
  const stream = zlib.createGunzip();
  const { _handle: handle, _writeState: state } = stream as unknown as { _handle?: ZlibHandle; _writeState?: Uint32Array };
  if (typeof handle?.writeSync !== 'function' || !(state instanceof Uint32Array)) return undefined;
  const out = Buffer.allocUnsafeSlow(CHUNK);
  let failed: Error | undefined;
  // The stream's own 'error' event would come after writeSync has returned, and after the last one too late.
  handle.onerror = (message) => {
    const text = /unexpected end of file/.test(message) ? 'unexpected EOF' : `invalid gzip data: ${message}`;
    failed ??= new Failure('invalidParameter', text);
  };
  const run = (flush: number, chunk: Buffer): void => {
    let at = 0;
    for (;;) {
      handle.writeSync(flush, chunk, at, chunk.length - at, out, 0, CHUNK);
      if (failed) throw failed;
      const [outLeft, inLeft] = state as unknown as [number, number];
      at = chunk.length - inLeft;
      if (outLeft < CHUNK) output(out.subarray(0, CHUNK - outLeft));
      // Room left in the output: all input was used, or what is left of it is no gzip (padding), which gunzip ignores too.
      if (outLeft > 0) return;
    }
  };
  return {
    async write(chunk) {
      if (failed) throw failed;
      run(zlib.constants.Z_NO_FLUSH, chunk);
    },
    async end() {
      try {
        run(zlib.constants.Z_FINISH, Buffer.alloc(0));
      } finally {
        stream.close();
      }
    },
    destroy() {
      stream.close();
    },
  };
}

function fromDuplex(stream: Duplex, output: (chunk: Buffer) => void, compression: Compression): Decompressor {
  let failed: Error | undefined;
  let wake: (() => void) | undefined;
  const ended = new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void => {
      failed ??= error;
      wake?.();
      reject(failed);
      stream.destroy();
    };
    stream.on('data', (chunk: Buffer) => {
      try {
        output(chunk);
      } catch (error) {
        fail(error as Error);
      }
    });
    stream.on('end', resolve);
    stream.on('error', (error: NodeJS.ErrnoException) => fail(failed ?? damaged(compression, error)));
    stream.on('close', () => fail(failed ?? new Failure('system', 'decompression was stopped')));
  });
  ended.catch(() => {});
  return {
    write(chunk) {
      if (failed) return Promise.reject(failed);
      return new Promise((resolve, reject) => {
        const done = (): void => {
          wake = undefined;
          if (failed) reject(failed);
          else resolve();
        };
        wake = done;
        stream.write(chunk, done);
      });
    },
    end() {
      if (failed) return Promise.reject(failed);
      stream.end();
      return ended;
    },
    destroy() {
      stream.destroy();
    },
  };
}

/** Starts the tool of that name; `ended` resolves when it has done all, and throws its words when it has not. */
function startTool(compression: Exclude<Compression, 'none'>): { child: ChildProcessWithoutNullStreams; ended: Promise<void> } {
  const args = ['-dc', ...(compression === 'xz' ? [`--memlimit-decompress=${XZ_MEMORY}`] : [])];
  const child = spawn(compression, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env.PATH, LC_ALL: 'C' } });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 1000) said += chunk.toString();
  });
  // EPIPE after the tool gave up: its own words come with its exit.
  child.stdin.on('error', () => {});
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      const missing = `${compression} data needs the program \`${compression}\`, which is not installed (apt install ${compression === 'xz' ? 'xz-utils' : compression})`;
      reject(new Failure('system', error.code === 'ENOENT' ? missing : error.message));
    });
    child.on('close', (code) => {
      if (code === 0) resolve();
      else if (child.killed) reject(new Failure('system', 'decompression was stopped'));
      else reject(new Failure('invalidParameter', toolWords(compression, said.trim(), code)));
    });
  });
  ended.catch(() => {});
  return { child, ended };
}

function toolWords(compression: string, said: string, code: number | null): string {
  if (/premature end|unexpected end|ends unexpectedly/i.test(said)) return 'unexpected EOF';
  return `invalid ${compression} data: ${said || `exit code ${code}`}`;
}

function fromProcess(compression: 'zstd' | 'bzip2' | 'xz', output: (chunk: Buffer) => void): Decompressor {
  const { child, ended } = startTool(compression);
  let failed: Error | undefined;
  const fail = (error: Error): void => {
    failed ??= error;
    child.kill('SIGKILL');
    child.stdin.destroy();
  };
  ended.catch((error: Error) => fail(error));
  child.stdout.on('data', (chunk: Buffer) => {
    if (failed) return;
    try {
      output(chunk);
    } catch (error) {
      fail(error as Error);
    }
  });
  const settled = async (): Promise<void> => {
    await ended.catch(() => {});
    if (failed) throw failed;
  };
  return {
    async write(chunk) {
      if (failed || child.exitCode !== null || child.stdin.destroyed) return settled();
      if (!child.stdin.write(chunk)) await writable(child.stdin);
      if (failed) throw failed;
    },
    end() {
      child.stdin.end();
      return settled();
    },
    destroy() {
      fail(new Failure('system', 'decompression was stopped'));
    },
  };
}
