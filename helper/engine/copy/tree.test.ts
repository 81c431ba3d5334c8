import { constants, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CopyEntry } from '../../contract/copy.ts';
import { setTimes } from '../../system/syscall/index.ts';
import { Failure } from '../failure.ts';
import { holeBytes, readFrames } from './frames.ts';
import { parseMessage } from './manifest.ts';
import { TreeReader } from './tree-read.ts';
import { TreeWriter } from './tree-write.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-tree-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function copy(from: string, to: string): Promise<void> {
  const writer = new TreeWriter({ folder: to, upper: false });
  const reader = new TreeReader({ folder: from, upper: false, signal: new AbortController().signal });
  for await (const frame of readFrames(reader.frames())) {
    if (frame.kind === 'message') {
      const message = parseMessage(frame.message);
      if (message.Type === 'end') return writer.end(message.Sha256);
      writer.hash(frame.bytes);
      await writer.entry(message as CopyEntry);
    } else if (frame.kind === 'data') {
      writer.hash(frame.data);
      await writer.data(frame.data);
    } else {
      writer.hash(holeBytes(frame.length));
      await writer.hole(frame.length);
    }
  }
}

type Tree = { [name: string]: Tree | string };

function make(tree: Tree, where: string): void {
  mkdirSync(where);
  for (const [name, content] of Object.entries(tree)) {
    if (typeof content === 'string') writeFileSync(path.join(where, name), content);
    else make(content, path.join(where, name));
  }
}

function look(where: string): Tree {
  return Object.fromEntries(
    readdirSync(where, { withFileTypes: true }).map((entry) => {
      const file = path.join(where, entry.name);
      return [entry.name, entry.isDirectory() ? look(file) : readFileSync(file, 'utf8')];
    }),
  );
}

const NAME = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..' && name !== '__proto__');
const { tree: TREE } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.dictionary(NAME, fc.oneof({ depthSize: 'small' }, fc.string({ unit: 'grapheme-ascii', maxLength: 40 }), tie('tree')), {
    maxKeys: 5,
  }),
}));

describe('folders in a copy', () => {
  it('arrive as they were, whatever they hold', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(TREE, async (tree) => {
        const [from, to] = [`${folder}/from-${++round}`, `${folder}/to-${round}`];
        make(tree, from);
        await copy(from, to);
        expect(look(to)).toEqual(look(from));
      }),
      { numRuns: 40 },
    );
  });

  it('keep holes, modes and times', async () => {
    mkdirSync(`${folder}/from`, { mode: 0o750 });
    writeFileSync(`${folder}/from/sparse`, 'begin', { mode: 0o640 });
    truncateSync(`${folder}/from/sparse`, 40 << 20);
    for (const [name, time] of [
      ['sparse', 1_234_567_890_123_456_789n],
      ['', -5n],
    ] as const) {
      setTimes(Buffer.from(`${folder}/from/${name}`), time);
    }
    await copy(`${folder}/from`, `${folder}/to`);
    const [from, to] = ['from', 'to'].map((name) => statSync(`${folder}/${name}/sparse`, { bigint: true }));
    expect([to?.size, to?.mode, to?.mtimeNs]).toEqual([from?.size, from?.mode, 1_234_567_890_123_456_789n]);
    expect(to?.blocks).toBeLessThan(100n);
    expect(statSync(`${folder}/to`, { bigint: true })).toMatchObject({ mode: BigInt(constants.S_IFDIR | 0o750), mtimeNs: -5n });
  });

  it('never lead out of the folder, whatever the other engine says', async () => {
    const outside = `${folder}/outside`;
    mkdirSync(outside);
    writeFileSync(`${outside}/secret`, 'secret');
    const part = fc.constantFrom('a', 'b', '..', '.', '', 'link', '\u012e\u012e', 'x\0');
    const entry = fc.record({
      Path: fc.array(part, { maxLength: 4 }).map((parts) => parts.join('/')),
      Kind: fc.constantFrom('folder', 'file', 'symlink', 'link'),
      Target: fc.constantFrom('..', '../outside', '/', outside),
      Node: fc.option(fc.nat(2), { nil: undefined }),
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 12 }), async (entries) => {
        const writer = new TreeWriter({ folder: `${folder}/to-${++round}`, upper: false });
        const base = { Type: 'entry', Mode: 0o700, Uid: process.getuid?.() ?? 0, Gid: process.getgid?.() ?? 0, Mtime: '0' };
        await writer.entry(parseMessage({ ...base, Path: '', Kind: 'folder' }) as CopyEntry);
        for (const each of entries) {
          try {
            await writer.entry(parseMessage({ ...base, ...each }) as CopyEntry);
          } catch (error) {
            // A refusal, or a name that is taken.
            if (!(error instanceof Failure)) expect((error as NodeJS.ErrnoException).code).toMatch(/EEXIST|ENOTDIR|EISDIR/);
          }
        }
        await writer.abort();
        expect(look(outside)).toEqual({ secret: 'secret' });
        expect(readdirSync(folder).filter((name) => !name.startsWith('to-'))).toEqual(['outside']);
      }),
      { numRuns: 150 },
    );
  });

  it('are refused when a link stands where a folder was', async () => {
    const writer = new TreeWriter({ folder: `${folder}/to`, upper: false });
    const base = { Type: 'entry' as const, Mode: 0o700, Uid: process.getuid?.() ?? 0, Gid: process.getgid?.() ?? 0, Mtime: '0' };
    await writer.entry({ ...base, Path: '', Kind: 'folder' });
    await writer.entry({ ...base, Path: 'l', Kind: 'symlink', Target: folder });
    await expect(writer.entry({ ...base, Path: 'l/x', Kind: 'file' })).rejects.toThrow(/outside of the folders/);
  });
});
