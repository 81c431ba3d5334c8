import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { HostSuggestion } from '../ipc/contract.ts';
import { aliasesOf, type ConfigFiles, parseAddress } from '../ssh/index.ts';

const LIMIT = 500;
const META_LIMIT_BYTES = 64 * 1024;
const meta = v.object({ Name: v.string(), Endpoints: v.object({ docker: v.object({ Host: v.string() }) }) });

/** Hosts that the user has named elsewhere: in ~/.ssh/config, and as contexts of the docker CLI that go over SSH. */
export async function suggestions(files: ConfigFiles): Promise<HostSuggestion[]> {
  const aliases = aliasesOf(files).map(({ alias, user, hostName, port }) => ({
    source: 'ssh' as const,
    name: alias,
    address: alias,
    detail: `${user}@${hostName}${port === 22 ? '' : `:${port}`}`,
  }));
  return [...aliases, ...(await dockerContexts(join(files.env.DOCKER_CONFIG ?? join(files.home, '.docker'))))];
}

/** Source: docker CLI, cli/context/store: contexts/meta/DIGEST/meta.json */
async function dockerContexts(folder: string): Promise<HostSuggestion[]> {
  const base = join(folder, 'contexts', 'meta');
  const names = await readdir(base).catch(() => [] as string[]);
  const found = await Promise.all(names.slice(0, LIMIT).map((name) => contextIn(join(base, name, 'meta.json'))));
  return found.filter((context) => context !== undefined).sort((a, b) => a.name.localeCompare(b.name));
}

async function contextIn(path: string): Promise<HostSuggestion | undefined> {
  try {
    if ((await stat(path)).size > META_LIMIT_BYTES) return undefined;
    const { Name, Endpoints } = v.parse(meta, JSON.parse(await readFile(path, 'utf8')));
    if (!Endpoints.docker.Host.startsWith('ssh://')) return undefined;
    parseAddress(Endpoints.docker.Host);
    return { source: 'docker', name: Name, address: Endpoints.docker.Host, detail: Endpoints.docker.Host };
  } catch {
    // Not ours to repair.
    return undefined;
  }
}
