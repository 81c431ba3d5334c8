/** Writes simple tar archives: short ASCII names, files and folders. Source: POSIX ustar */

const BLOCK = 512;

/** @param size bytes of a file; undefined: a folder @param mtimeSeconds since the epoch */
export function tarHeader(name: string, size: number | undefined, mtimeSeconds = 0): Buffer {
  const block = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > 100) throw new RangeError(`name too long for a simple archive: ${name}`);
  block.write(name, 0);
  block.write(size === undefined ? '0000755\0' : '0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  writeNumber(block, size ?? 0, 124);
  writeNumber(block, mtimeSeconds, 136);
  block.write(size === undefined ? '5' : '0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** Eleven octal digits, or base 256 for what is larger (GNU, understood everywhere). */
function writeNumber(block: Buffer, value: number, at: number): void {
  const digits = Math.floor(value).toString(8);
  if (digits.length <= 11) {
    block.write(`${digits.padStart(11, '0')}\0`, at, 'latin1');
    return;
  }
  block.writeUInt8(0x80, at);
  block.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at + 4);
  block.writeUInt32BE(value % 0x1_0000_0000, at + 8);
}

/** Zeros that fill a file of this size up to the next block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The end of an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}
