import type { Ask } from './auth.ts';
import { type Certificate, minuteOf } from './certificate.ts';
import type { HostConfig } from './config.ts';
import { failure, shown } from './failures.ts';
import { type CertificateProblem, hostCertificateProblem } from './host-certificates.ts';
import { appendKnownHost, fingerprint, formatLine, hostKeyOf, readKnownHosts, type Verdict, verdictOn } from './known-hosts.ts';

/** The name and port by which known_hosts knows a machine. With HostKeyAlias, as for ssh, there is no port to it. */
export const knownAs = ({ hostKeyAlias, hostName, port }: HostConfig): [host: string, port: number] =>
  hostKeyAlias === undefined ? [hostName, port] : [hostKeyAlias, 22];

/**
 * @param certificate what the machine has shown with its key
 * @returns what the step shows. @throws HostFailure when the key is not to be trusted
 */
export async function checkHostKey(
  blob: Buffer,
  certificate: Certificate | undefined,
  config: HostConfig,
  machine: string,
  ask: Ask | undefined,
): Promise<Record<string, string>> {
  const key = hostKeyOf(blob);
  if (!key) throw failure('ssh-no-agreement', `${machine} shows a key that makes no sense`, { final: true, values: { machine } });
  const [name, port] = knownAs(config);
  const print = fingerprint(blob);
  const facts = { keyType: key.type, fingerprint: print };
  // Read anew: another connection may just have added it.
  const lines = await readKnownHosts([...config.userKnownHosts, ...config.globalKnownHosts]);
  let verdict: Verdict = verdictOn(lines, name, port, key, certificate?.authority);
  let problem: CertificateProblem | undefined;
  if (verdict.status === 'certified' && certificate) {
    const { file, line } = verdict;
    problem = hostCertificateProblem(certificate, name);
    if (!problem) return { ...facts, certificate: certificate.id || '–', file, line: String(line) };
    // As ssh: then it is the key alone that counts.
    verdict = verdictOn(lines, name, port, key);
  }
  switch (verdict.status) {
    case 'known':
    case 'certified':
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
      const of = certificate && problem && { id: certificate.id || '–', problem, ...certificateFacts(certificate) };
      if (config.newHostKeys === 'refuse') {
        const [file = ''] = config.userKnownHosts;
        throw failure('ssh-key-strict', `The key of ${machine} is in no known_hosts, and StrictHostKeyChecking is yes`, {
          final: true,
          values: { ...values, file },
        });
      }
      const file = config.userKnownHosts[0] ?? '';
      if (config.newHostKeys === 'ask') {
        if (!ask)
          throw of
            ? certificateFailure(of, name, values)
            : failure('ssh-key-new', `The key of ${machine} is not known yet`, { final: true, values });
        const certified = of && { certificate: { id: of.id, problem: of.problem, principals: of.principals, until: of.until } };
        await ask({ kind: 'hostKey', machine, ...facts, file, alsoAs: verdict.alsoAs, canRemember: false, ...certified });
      }
      if (file !== '') await appendKnownHost(file, formatLine(name, port, key, config.hashKnownHosts));
      return { ...facts, added: file };
    }
  }
}

const certificateFacts = ({ principals, validFrom, validUntil }: Certificate) => ({
  principals: shown(principals.join(', '), 200) || '–',
  from: validFrom ? minuteOf(validFrom) : '–',
  until: validUntil ? minuteOf(validUntil) : '–',
});

/** Nobody is there to look at the key itself. */
function certificateFailure(
  { id, problem, ...facts }: { id: string; problem: CertificateProblem } & ReturnType<typeof certificateFacts>,
  name: string,
  values: Record<string, string>,
) {
  const more = { final: true, values: { ...values, ...facts, certificate: id, name }, detail: problem };
  return problem === 'expired'
    ? failure('ssh-host-certificate-expired', `The certificate “${id}” of ${values.machine} expired at ${facts.until}`, more)
    : failure('ssh-host-certificate', `The certificate “${id}” of ${values.machine} does not count (${problem})`, more);
}

const shellWord = (text: string) => (/^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
