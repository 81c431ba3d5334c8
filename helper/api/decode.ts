import { Failure } from '../engine/failure.ts';
import { sortedByKey } from '../engine/sorted.ts';

/**
 * What a request body may hold. Bodies come from every kind of client, so they are decoded as dockerd's decoder does it:
 * unknown fields are ignored, names match without regard to case, null means "not given", and a wrong type is a 400 that
 * names the field.
 */
export type Shape =
  | 'string'
  | 'bool'
  | 'int'
  | 'any'
  /** A list of strings, for which a single string may stand (Cmd, Entrypoint). */
  | 'words'
  | { list: Shape }
  /** By its keys, as Go has no other order; `ordered`: as it was sent. */
  | { map: Shape; ordered?: boolean }
  | { struct: Record<string, Shape> };

/**
 * `value` with only what `shape` knows, under its names.
 *
 * @param root Go's name of the type, for messages: clients' test suites look for `json: cannot unmarshal`
 * @throws Failure invalidParameter
 */
export function decode(value: unknown, shape: Shape, root: string): unknown {
  return decodeAt(value, shape, root);
}

function decodeAt(value: unknown, shape: Shape, path: string): unknown {
  if (value === null || value === undefined || shape === 'any') return value;
  switch (shape) {
    case 'string':
      return typeof value === 'string' ? value : mismatch(value, path, 'string');
    case 'bool':
      return typeof value === 'boolean' ? value : mismatch(value, path, 'bool');
    case 'int':
      return Number.isInteger(value) && Math.abs(value as number) < 2 ** 63 ? value : mismatch(value, path, 'int64');
    case 'words':
      if (typeof value === 'string') return [value];
      return Array.isArray(value) ? value.map((item) => decodeAt(item, 'string', path) ?? '') : mismatch(value, path, '[]string');
  }
  if ('list' in shape) {
    return Array.isArray(value) ? value.map((item) => decodeAt(item, shape.list, path)) : mismatch(value, path, goType(shape));
  }
  if (typeof value !== 'object' || Array.isArray(value)) return mismatch(value, path, goType(shape));
  if ('map' in shape) {
    const decoded = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decodeAt(item, shape.map, path)]));
    return shape.ordered ? decoded : sortedByKey(decoded);
  }
  return decodeStruct(value, shape.struct, path);
}

const foldedNames = new WeakMap<Record<string, Shape>, Map<string, string>>();

function decodeStruct(value: object, fields: Record<string, Shape>, path: string): unknown {
  let names = foldedNames.get(fields);
  if (!names) {
    names = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]));
    foldedNames.set(fields, names);
  }
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = key in fields ? key : names.get(key.toLowerCase());
    const shape = name === undefined ? undefined : fields[name];
    if (name === undefined || shape === undefined) continue;
    result[name] = decodeAt(item, shape, `${path}.${name}`);
  }
  return result;
}

function mismatch(value: unknown, path: string, type: string): never {
  const is = Array.isArray(value) ? 'array' : typeof value === 'number' && type === 'int64' ? `number ${numberText(value)}` : word(value);
  const where = path.includes('.') ? `Go struct field ${path} of type ${type}` : `Go value of type ${type}`;
  throw new Failure('invalidParameter', `invalid JSON: json: cannot unmarshal ${is} into ${where}`);
}

/** A large one in digits, as the client wrote it. */
function numberText(value: number): string {
  return Number.isInteger(value) ? BigInt(value).toString() : String(value);
}

function word(value: unknown): string {
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function goType(shape: Shape): string {
  if (shape === 'int') return 'int64';
  if (shape === 'words') return '[]string';
  if (typeof shape === 'string') return shape;
  if ('list' in shape) return `[]${goType(shape.list)}`;
  return 'map' in shape ? `map[string]${goType(shape.map)}` : 'struct';
}
