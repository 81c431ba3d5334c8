import type { Ask } from './auth.ts';
import type { HostConfig } from './config.ts';
import { failure } from './failures.ts';
import { appendKnownHost, fingerprint, formatLine, hostKeyOf, readKnownHosts, verdictOn } from './known-hosts.ts';

/** @returns what the step shows. @throws HostFailure when the key is not to be trusted */
export async function checkHostKey(
  blob: Buffer,
  config: HostConfig,
  machine: string,
  ask: Ask | undefined,
): Promise<Record<string, string>> {
  const key = hostKeyOf(blob);
  if (!key) throw failure('ssh-no-agreement', `${machine} shows a key that makes no sense`, { final: true, values: { machine } });
  const name = config.hostKeyAlias ?? config.hostName;
  const print = fingerprint(blob);
  const facts = { keyType: key.type, fingerprint: print };
  // Read anew: another connection may just have added it.
  const verdict = verdictOn(await readKnownHosts([...config.userKnownHosts, ...config.globalKnownHosts]), name, config.port, key);
  switch (verdict.status) {
    case 'known':
      return facts;
    case 'revoked':
      throw failure('ssh-key-revoked', `The key of ${machine} is marked as revoked in ${verdict.file}, line ${verdict.line}`, {
        final: true,
        values: { ...facts, machine, file: verdict.file, line: String(verdict.line) },
      });
    case 'changed': {
      const { file, line, known } = verdict;
      throw failure('ssh-key-changed', `The key of ${machine} is not the one in ${file}, line ${line}`, {
        final: true,
        values: { ...facts, machine, file, line: String(line), known: `${known.type} ${fingerprint(known.blob)}` },
        detail: `known: ${known.type} ${fingerprint(known.blob)}\nshown: ${key.type} ${print}`,
        fix: `sed -i ${line}d ${shellWord(file)}`,
      });
    }
    case 'new': {
      const values = { ...facts, machine };
      if (!ask) throw failure('ssh-key-new', `The key of ${machine} is not known yet`, { final: true, values });
      const file = config.userKnownHosts[0] ?? '';
      await ask({ kind: 'hostKey', machine, ...facts, file, alsoAs: verdict.alsoAs, canRemember: false });
      if (file !== '') await appendKnownHost(file, formatLine(name, config.port, key, config.hashKnownHosts));
      return { ...facts, added: file };
    }
  }
}

const shellWord = (text: string) => (/^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
