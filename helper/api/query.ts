import { Failure } from '../engine/failure.ts';

/** Query parameters, read as dockerd reads them (moby: httputils/form.go), so that every client's spelling means the same here. */
export class Query {
  readonly #values: URLSearchParams;

  /** @throws Failure invalidParameter for what is no query: a stray semicolon, a broken escape */
  constructor(text: string) {
    if (text !== '') checkQuery(text);
    this.#values = new URLSearchParams(text);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value, or '' when absent. */
  text(name: string): string {
    return this.#values.get(name) ?? '';
  }

  all(name: string): string[] {
    return this.#values.getAll(name);
  }

  /** '', 0, no, false and none are false; everything else is true. */
  boolean(name: string, absent = false): boolean {
    const value = this.#values.get(name);
    if (value === null) return absent;
    return !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
  }

  /** One of those that Go's strconv.ParseBool knows; undefined when absent or empty. @throws Failure invalidParameter */
  strictBoolean(name: string): boolean | undefined {
    const value = this.text(name);
    if (value === '') return undefined;
    if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
    if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
    const reason = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
    throw new Failure('invalidParameter', `invalid value for ${name}: ${value}: ${reason}`);
  }

  /** A decimal integer with optional sign; undefined when absent or empty. @throws Failure invalidParameter with Go's words */
  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === '') return undefined;
    const problem = integerProblem(value);
    if (problem) throw new Failure('invalidParameter', `strconv.Atoi: parsing ${JSON.stringify(value)}: ${problem}`);
    return Number(value);
  }

  /** Rows or columns of a terminal. @throws Failure invalidParameter when absent, not a number or out of range */
  uint32(name: string, label: string): number {
    const value = this.text(name);
    const problem = !/^-?\d+$/.test(value) ? 'invalid syntax' : /^-/.test(value) || Number(value) > 0xffffffff ? 'value out of range' : '';
    if (problem) throw new Failure('invalidParameter', `invalid ${label} ${JSON.stringify(value)}: ${problem}`);
    return Number(value);
  }

  /** `1700000000.123456789`, in nanoseconds; undefined when absent (or `0` where `zeroIsAbsent`). */
  timestamp(name: string, zeroIsAbsent = false): bigint | undefined {
    const value = this.text(name);
    if (value === '' || (zeroIsAbsent && value === '0')) return undefined;
    const [, seconds, fraction] = /^([+-]?\d{1,19})(?:\.(\d{0,20}))?$/.exec(value) ?? [];
    if (seconds === undefined) {
      const whole = value.split('.')[0] ?? '';
      const reason = integerProblem(whole) ? `invalid seconds ${JSON.stringify(whole)}: invalid syntax` : 'invalid nanoseconds';
      throw new Failure(
        'invalidParameter',
        `invalid value for ${JSON.stringify(name)}: invalid timestamp ${JSON.stringify(value)}: ${reason}`,
      );
    }
    return BigInt(seconds) * 1_000_000_000n + BigInt((fraction ?? '').slice(0, 9).padEnd(9, '0'));
  }
}

/** As Go reads a query: URLSearchParams would take anything. */
function checkQuery(text: string): void {
  for (const pair of text.split('&')) {
    if (pair.includes(';')) throw new Failure('invalidParameter', 'invalid semicolon separator in query');
    const broken = /%(?![0-9a-f]{2}).{0,2}/i.exec(pair);
    if (broken) throw new Failure('invalidParameter', `invalid URL escape ${JSON.stringify(broken[0])}`);
  }
}

function integerProblem(text: string): string | undefined {
  if (!/^[+-]?\d+$/.test(text)) return 'invalid syntax';
  const value = BigInt(text);
  return value > 0x7fffffffffffffffn || value < -0x8000000000000000n ? 'value out of range' : undefined;
}
