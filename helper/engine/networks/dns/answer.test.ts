import dnsPacket, { type Packet } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { fitDatagram, malformed } from './answer.ts';

const query: Packet = { id: 7, type: 'query', questions: [{ name: 'all', type: 'A', class: 'IN' }] };
const many = dnsPacket.encode({
  ...query,
  type: 'response',
  answers: Array.from({ length: 60 }, (_, n) => ({ type: 'A' as const, name: 'all', ttl: 600, data: `10.0.0.${n + 1}` })),
});

describe('an answer that is too large for a datagram', () => {
  it('keeps what fits, and says that there is more', () => {
    const cut = fitDatagram(many, query);
    const { flag_tc: more, answers = [], id } = dnsPacket.decode(cut) as Packet & { flag_tc: boolean };
    expect({ more, id, first: answers[0] }).toMatchObject({ more: true, id: 7, first: { data: '10.0.0.1' } });
    expect(cut.length).toBeGreaterThan(480);
    expect(cut.length).toBeLessThanOrEqual(512);
  });

  it('stays whole where the client takes more', () => {
    const wide = { ...query, additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096 }] } as unknown as Packet;
    expect(fitDatagram(many, wide)).toBe(many);
  });
});

describe('what is no query', () => {
  it('is told so, unless it is an answer or nothing', () => {
    expect(malformed(Buffer.from('000701000001000000000000ff', 'hex'))?.toString('hex')).toBe('000780010000000000000000');
    expect(malformed(Buffer.from('000781000001000000000000', 'hex'))).toBeUndefined();
    expect(malformed(Buffer.from('0007', 'hex'))).toBeUndefined();
  });
});
