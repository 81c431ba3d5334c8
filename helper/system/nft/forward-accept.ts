import { existsSync, readFileSync } from 'node:fs';
import { run } from './nft.ts';

/** Whether the kernel has a filter table of iptables-legacy in this namespace: asking iptables-legacy itself would make one. */
export function hasLegacyFilter(v6: boolean): boolean {
  try {
    return readFileSync(`/proc/net/ip${v6 ? '6' : ''}_tables_names`, 'utf8')
      .split('\n')
      .includes('filter');
  } catch {
    return false;
  }
}

/** Both kinds of iptables filter at once, so a drop in either counts. Distributions without the two names have one kind only. */
function programs(v6: boolean): string[] {
  const name = v6 ? 'ip6tables' : 'iptables';
  const both = ['/usr/sbin', '/sbin', '/usr/bin'].some(
    (folder) => existsSync(`${folder}/${name}-nft`) && existsSync(`${folder}/${name}-legacy`),
  );
  if (!both) return [name];
  return hasLegacyFilter(v6) ? [`${name}-nft`, `${name}-legacy`] : [`${name}-nft`];
}

/**
 * An accept in our table does not outweigh a drop in another's: where iptables' FORWARD chain drops (dockerd and ufw set
 * its policy so), our bridges are let through there by one chain of our own. Isolation stays with our nft table, which
 * sees the packets too. Nothing is done where FORWARD accepts.
 */
export class ForwardAccept {
  readonly #chain: string;
  #chains: Promise<unknown> = Promise.resolve();

  constructor(chain: string) {
    this.#chain = chain;
  }

  /** Brings the chain to these bridges; idempotent. Resolves also where iptables is missing. @returns whether it was needed */
  sync(bridges: string[], withV6: boolean): Promise<boolean> {
    const work = async (): Promise<boolean> => {
      const all = [...programs(false), ...(withV6 ? programs(true) : [])];
      const results = await Promise.all(all.map((program) => this.#sync(program, bridges)));
      return results.some(Boolean);
    };
    const result = this.#chains.then(work, work);
    this.#chains = result.catch(() => undefined);
    return result;
  }

  async #sync(program: string, bridges: string[]): Promise<boolean> {
    const rules = await run(program, ['-w', '-S']).catch(() => undefined);
    // Missing, or nothing of it in the kernel.
    if (rules === undefined) return false;
    const lines = rules.split('\n');
    const jump = `-A FORWARD -j ${this.#chain}`;
    const there = lines.includes(`-N ${this.#chain}`);
    const jumps = lines.includes(jump);
    const others = lines.some((line) => line.startsWith('-A FORWARD ') && !/ -j GANTRY(-[0-9A-F]+)?$/.test(line));
    const strict = lines.includes('-P FORWARD DROP') || others;
    if (!strict || bridges.length === 0) {
      if (there) await this.#remove(program, jumps);
      return false;
    }
    const accepts = bridges.flatMap((bridge) => [`-A ${this.#chain} -i ${bridge} -j ACCEPT`, `-A ${this.#chain} -o ${bridge} -j ACCEPT`]);
    const current = lines.filter((line) => line.startsWith(`-A ${this.#chain} `));
    if (jumps && current.join() === accepts.join()) return true;
    const text = ['*filter', `:${this.#chain} - [0:0]`, ...accepts, ...(jumps ? [] : [`-I FORWARD -j ${this.#chain}`]), 'COMMIT', ''];
    await run(`${program}-restore`, ['-w', '--noflush'], text.join('\n'));
    return true;
  }

  async #remove(program: string, jumps: boolean): Promise<void> {
    const lines = ['*filter', ...(jumps ? [`-D FORWARD -j ${this.#chain}`] : []), `-F ${this.#chain}`, `-X ${this.#chain}`, 'COMMIT', ''];
    await run(`${program}-restore`, ['-w', '--noflush'], lines.join('\n'));
  }
}
