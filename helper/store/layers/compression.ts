/**
 * What a stream is compressed with, told from its first bytes, and how to undo that.
 *
 * gzip is node:zlib (0.33 s for the six test layers, gunzip needs 0.88 s). zstd is node:zlib where Node has it (22.15 on);
 * before that, and for bzip2 and xz, the tools of the same names are spawned: they stream, and the helper's package
 * depends on them. (fzstd, the pure JavaScript decoder that is alive on npm, was 8 times slower than `zstd -dc`.)
 */
import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
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

export interface Decompressor {
  /** Resolves when the chunk was taken; output comes through `output` before that or later. */
  write(chunk: Buffer): Promise<void>;
  /** Resolves when all output has come. */
  end(): Promise<void>;
  destroy(): void;
}

/** Bytes that tell every compression. */
const START = 6;

/** A stream as it was before it was compressed; what is not compressed passes as it is. @throws Failure invalidParameter on bad data */
export async function* decompressed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  let decompressor: Decompressor | undefined;
  const pieces: Buffer[] = [];
  const begin = (bytes: Buffer): Decompressor => createDecompressor(detectCompression(bytes), (piece) => pieces.push(piece));
  try {
    for await (const chunk of source) {
      if (start) start = Buffer.concat([start, chunk]);
      if (start && start.length < START) continue;
      decompressor ??= begin(start ?? chunk);
      await decompressor.write(start ?? chunk);
      start = undefined;
      yield* pieces.splice(0);
    }
    decompressor ??= begin(start ?? Buffer.alloc(0));
    if (start?.length) await decompressor.write(start);
    await decompressor.end();
    yield* pieces.splice(0);
  } finally {
    decompressor?.destroy();
  }
}

const CHUNK = 256 * 1024;

/**
 * @param output called with each piece; what it throws is thrown by `write` or `end`
 * @param transient pieces are used up when `output` returns: their memory is used again (and gunzip runs in this thread)
 */
export function createDecompressor(compression: Compression, output: (chunk: Buffer) => void, transient = false): Decompressor {
  if (compression === 'none') {
    return {
      async write(chunk) {
        output(chunk);
      },
      async end() {},
      destroy() {},
    };
  }
  const gunzip = compression === 'gzip' && transient ? gunzipInPlace(output) : undefined;
  if (gunzip) return gunzip;
  if (compression === 'gzip') return fromDuplex(zlib.createGunzip({ chunkSize: CHUNK }), output, compression);
  const builtin = (zlib as unknown as { createZstdDecompress?: (options: object) => Duplex }).createZstdDecompress;
  if (compression === 'zstd' && builtin) return fromDuplex(builtin({ chunkSize: CHUNK }), output, compression);
  return fromProcess(compression, output);
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

function fromDuplex(stream: Duplex, output: (chunk: Buffer) => void, name: string): Decompressor {
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
    stream.on('error', (error: NodeJS.ErrnoException) => {
      const text = error.code === 'Z_BUF_ERROR' ? 'unexpected EOF' : `invalid ${name} data: ${error.message}`;
      fail(failed ?? new Failure('invalidParameter', text));
    });
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

function fromProcess(compression: 'zstd' | 'bzip2' | 'xz', output: (chunk: Buffer) => void): Decompressor {
  const child = spawn(compression, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env.PATH, LC_ALL: 'C' } });
  let failed: Error | undefined;
  let wake: (() => void) | undefined;
  let said = '';
  const fail = (error: Error): void => {
    failed ??= error;
    child.kill('SIGKILL');
    wake?.();
  };
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 1000) said += chunk.toString();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    if (failed) return;
    try {
      output(chunk);
    } catch (error) {
      fail(error as Error);
    }
  });
  // EPIPE after the tool gave up: its own words come with its exit.
  child.stdin.on('error', () => wake?.());
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      fail(
        new Failure(
          'system',
          error.code === 'ENOENT' ? `${compression} data needs the program \`${compression}\`, which is not installed` : error.message,
        ),
      );
      reject(failed);
    });
    child.on('close', (code) => {
      if (failed) reject(failed);
      else if (code === 0) resolve();
      else {
        fail(new Failure('invalidParameter', `invalid ${compression} data: ${said.trim() || `exit code ${code}`}`));
        reject(failed);
      }
    });
  });
  ended.catch(() => {});
  return {
    async write(chunk) {
      if (failed) throw failed;
      if (child.exitCode !== null || child.stdin.destroyed) return ended.then(() => {});
      if (child.stdin.write(chunk)) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        child.stdin.once('drain', resolve);
      });
      wake = undefined;
      if (failed) throw failed;
    },
    end() {
      child.stdin.end();
      return ended;
    },
    destroy() {
      fail(failed ?? new Failure('system', 'decompression was stopped'));
    },
  };
}
