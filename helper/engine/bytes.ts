/**
 * `10g`, `1.5 GiB`, `4096`: powers of 1024. Pure.
 * @returns bytes; undefined when it is no size
 * Source: go-units RAMInBytes
 */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text);
  return match ? Math.trunc(Number(match[1]) * 1024 ** ' kmgtp'.indexOf((match[2] ?? ' ').toLowerCase())) : undefined;
}
