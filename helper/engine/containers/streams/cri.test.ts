import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPartial, Renderer, recordTime } from './cri.ts';
import { FrameReader } from './frames.ts';

const pad = (value: number, length: number): string => String(value).padStart(length, '0');
const record = fc.record({
  seconds: fc.integer({ min: 0, max: 4_000_000_000 }),
  nanos: fc.integer({ min: 0, max: 999_999_999 }),
  offset: fc.constantFrom('+00:00', '+08:00', '-09:30'),
  stream: fc.constantFrom('stdout', 'stderr' as const),
  partial: fc.boolean(),
  text: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes.map((byte) => (byte === 10 ? 11 : byte)))),
});
type Row = typeof record extends fc.Arbitrary<infer T> ? T : never;

/** As conmon writes it: local time and the offset of that. */
function written({ seconds, nanos, offset, stream, partial, text }: Row): Buffer {
  const minutes = (offset.startsWith('-') ? -1 : 1) * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4)));
  const local = new Date((seconds + minutes * 60) * 1000).toISOString().slice(0, 19);
  return Buffer.concat([Buffer.from(`${local}.${pad(nanos, 9)}${offset} ${stream} ${partial ? 'P' : 'F'} `), text, Buffer.from('\n')]);
}
const stamp = ({ seconds, nanos }: Row): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${pad(nanos, 9)}Z `;

describe('log records', () => {
  it('have the time and the kind with which they were written', () => {
    fc.assert(
      fc.property(record, (row) => {
        const bytes = written(row);
        expect(recordTime(bytes, 0)).toBe(BigInt(row.seconds) * 1_000_000_000n + BigInt(row.nanos));
        expect(isPartial(bytes, 0)).toBe(row.partial);
      }),
    );
  });

  it('become lines by stream, with one time for each line, however many records it has', () => {
    const options = fc.record({
      timestamps: fc.boolean(),
      stdout: fc.boolean(),
      stderr: fc.boolean(),
      details: fc.constantFrom('', 'a=b,c=d '),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), options, fc.nat(8), (rows, wanted, cut) => {
        const renderer = new Renderer({ ...wanted, multiplexed: true });
        const out = { 1: '', 2: '' } as Record<number, string>;
        const reader = new FrameReader();
        for (const part of [rows.slice(0, cut), rows.slice(cut)]) {
          const chunk = Buffer.concat(part.map(written));
          for (const { stream, data } of reader.read(renderer.render(chunk, 0, chunk.length))) out[stream] += data.toString('latin1');
        }
        for (const [stream, name] of [
          [1, 'stdout'],
          [2, 'stderr'],
        ] as const) {
          let expected = '';
          let fresh = true;
          for (const row of rows.filter((each) => each.stream === name)) {
            if (fresh) expected += (wanted.timestamps ? stamp(row) : '') + wanted.details;
            expected += row.text.toString('latin1') + (row.partial ? '' : '\n');
            fresh = !row.partial;
          }
          expect(out[stream]).toBe(wanted[name] ? expected : '');
        }
      }),
    );
  });

  it('that are none are no reason to fail, nor to write beyond what there is', () => {
    const line = fc.oneof(
      fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
      record.map(written),
    );
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), fc.boolean(), fc.constantFrom('', 'k=v '), (lines, timestamps, multiplexed, details) => {
        const chunk = Buffer.concat([...lines, Buffer.from('\n')]);
        const renderer = new Renderer({ stdout: true, stderr: true, timestamps, multiplexed, details });
        const rendered = renderer.render(chunk, 0, chunk.length);
        expect(rendered.length).toBeLessThanOrEqual(chunk.length + details.length * (lines.length * 121 + 1));
        for (let at = 0; at < chunk.length; at += 7) void recordTime(chunk, at);
      }),
    );
  });
});
