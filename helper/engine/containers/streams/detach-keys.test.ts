import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DetachFilter, parseDetachKeys } from './detach-keys.ts';

describe('detach keys', () => {
  it('are parsed as docker does', () => {
    expect([...parseDetachKeys('ctrl-a,x')]).toEqual([1, 120]);
    expect([...parseDetachKeys('ctrl-],ctrl-@')]).toEqual([29, 0]);
    expect(() => parseDetachKeys('ctrl-A')).toThrow('Invalid detach keys (ctrl-A) provided');
  });
  it('detach when complete, and pass on what only began like them', () => {
    const filter = new DetachFilter(parseDetachKeys(undefined));
    expect(filter.feed(Buffer.from('ab\x10'))).toEqual({ data: Buffer.from('ab'), detach: false });
    expect(filter.feed(Buffer.from('c'))).toEqual({ data: Buffer.from('\x10c'), detach: false });
    expect(filter.feed(Buffer.from('x\x10\x11rest'))).toEqual({ data: Buffer.from('x'), detach: true });
  });
  it('lose nothing of what is typed when they do not occur', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 6 })), (chunks) => {
        const filter = new DetachFilter(Buffer.from([16, 17]));
        const typed = chunks.map((chunk) => Buffer.from(chunk.map((byte) => (byte === 17 ? 18 : byte))));
        const out = Buffer.concat([...typed, Buffer.from('z')].map((chunk) => filter.feed(chunk).data));
        expect(out).toEqual(Buffer.concat([...typed, Buffer.from('z')]));
      }),
    );
  });
});
