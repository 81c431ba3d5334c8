import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { HostSuggestion } from '../ipc/contract.ts';
import { aliasesOf, type ConfigFiles, parseAddress } from '../ssh/index.ts';
import { certificatesIn, formatTcpAddress, parseTcpAddress } from '../tcp/index.ts';

const LIMIT = 500;
const META_LIMIT_BYTES = 64 * 1024;
const meta = v.object({ Name: v.string(), Endpoints: v.object({ docker: v.object({ Host: v.string() }) }) });

/** Hosts that the user has named elsewhere: in ~/.ssh/config, as contexts of the docker CLI that go over SSH or TCP, as DOCKER_HOST. */
export async function suggestions(files: ConfigFiles): Promise<HostSuggestion[]> {
  const aliases = aliasesOf(files).map(({ alias, user, hostName, port }) => ({
    source: 'ssh' as const,
    name: alias,
    address: alias,
    detail: `${user}@${hostName}${port === 22 ? '' : `:${port}`}`,
  }));
  const contexts = await dockerContexts(join(files.env.DOCKER_CONFIG ?? join(files.home, '.docker')));
  const named = await fromEnvironment(files);
  return [...aliases, ...contexts, ...(named ? [named] : [])];
}

/** Source: docker CLI, cli/context/store: contexts/meta/DIGEST/meta.json and contexts/tls/DIGEST/docker/{ca,cert,key}.pem */
async function dockerContexts(folder: string): Promise<HostSuggestion[]> {
  const base = join(folder, 'contexts');
  const names = await readdir(join(base, 'meta')).catch(() => [] as string[]);
  const found = await Promise.all(names.slice(0, LIMIT).map((name) => contextIn(base, name)));
  return found.filter((context) => context !== undefined).sort((a, b) => a.name.localeCompare(b.name));
}

async function contextIn(base: string, digest: string): Promise<HostSuggestion | undefined> {
  const path = join(base, 'meta', digest, 'meta.json');
  try {
    if ((await stat(path)).size > META_LIMIT_BYTES) return undefined;
    const { Name, Endpoints } = v.parse(meta, JSON.parse(await readFile(path, 'utf8')));
    const { Host: address } = Endpoints.docker;
    if (address.startsWith('tcp://')) return overTcp(Name, address, await certificatesIn(join(base, 'tls', digest, 'docker')));
    if (!address.startsWith('ssh://')) return undefined;
    parseAddress(address);
    return { source: 'docker', name: Name, address, detail: address };
  } catch {
    // Not ours to repair.
    return undefined;
  }
}

/** Without certificates nothing is said of security: the user chooses. */
function overTcp(name: string, typed: string, files: Awaited<ReturnType<typeof certificatesIn>>): HostSuggestion {
  const address = formatTcpAddress(parseTcpAddress(typed));
  const hasAny = Object.keys(files).length > 0;
  return { source: 'docker', name, address, detail: address, ...(hasAny && { security: { kind: 'tls', ...files } }) };
}

async function fromEnvironment(files: ConfigFiles): Promise<HostSuggestion | undefined> {
  const typed = files.env.DOCKER_HOST;
  if (!typed?.startsWith('tcp://')) return undefined;
  try {
    return overTcp('DOCKER_HOST', typed, await certificatesIn(undefined, files));
  } catch {
    return undefined;
  }
}
