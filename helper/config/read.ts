import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { Failure, messageOf } from '../engine/failure.ts';
import { FILE, type File, KEYS, type Key } from './keys.ts';

/** Reads a configuration file. An unknown key or a wrong value is an error that names the key, as dockerd does it.
 * @throws Failure invalidParameter that names the file and the key */
export function readConfigFile(file: string): File {
  const refuse = (why: string): Failure =>
    new Failure('invalidParameter', `unable to configure the Docker daemon with file ${file}: ${why}`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw refuse(messageOf(error));
  }
  // An editor's byte order mark, and a file that is there but empty, are no mistakes.
  const json = text.replace(/^\uFEFF/, '').trim();
  if (json === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw refuse(`invalid JSON: ${messageOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('it holds no JSON object');
  return check(value, refuse);
}

/** @throws what `refuse` makes of everything that is wrong, each with its key */
export function check(value: object, refuse: (why: string) => Failure): File {
  const unknown = Object.keys(value).filter((key) => !(key in FILE.entries));
  if (unknown.length) throw refuse(`the following directives don't match any configuration option: ${unknown.join(', ')}`);
  const result = v.safeParse(FILE, value);
  if (result.success) return result.output;
  throw refuse(result.issues.map((issue) => `${v.getDotPath(issue) ?? ''}: ${wordsOf(issue)}`).join('; '));
}

function wordsOf(issue: v.BaseIssue<unknown>): string {
  return issue.expected === 'never' ? 'there is no such option' : issue.message;
}

/**
 * What the command line says, on top of the file. The same key in both is refused, as dockerd does it: nobody could tell
 * from the file what is in force.
 * @throws Failure invalidParameter
 */
export function mergeFlags(flags: File, file: File, path: string): File {
  const both = (Object.keys(flags) as Key[]).filter((key) => file[key] !== undefined && key !== 'runtimes');
  if (both.length) {
    const said = both.map((key) => `${key}: (from flag: ${show(flags[key])}, from file: ${show(file[key])})`);
    throw new Failure(
      'invalidParameter',
      `unable to configure the Docker daemon with file ${path}: the following directives are specified both as a flag and in the configuration file: ${said.join(', ')}`,
    );
  }
  const runtimes = { ...file.runtimes, ...flags.runtimes };
  return { ...file, ...flags, ...(Object.keys(runtimes).length ? { runtimes } : {}) };
}

/** As Go prints it, which is what people search for. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(' ')}]`;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Keys of a configuration that are taken and do nothing here. */
export function withoutEffect(file: File): Key[] {
  return (Object.keys(file) as Key[]).filter((key) => KEYS[key].noEffect);
}
