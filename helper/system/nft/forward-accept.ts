import { run } from './nft.ts';

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
      const results = await Promise.all([this.#sync('iptables', bridges), ...(withV6 ? [this.#sync('ip6tables', bridges)] : [])]);
      return results.some(Boolean);
    };
    const result = this.#chains.then(work, work);
    this.#chains = result.catch(() => undefined);
    return result;
  }

  async #sync(program: string, bridges: string[]): Promise<boolean> {
    const rules = await run(program, ['-w', '-S', 'FORWARD']).catch(() => undefined);
    // Missing, or nothing of it in the kernel.
    if (rules === undefined) return false;
    const lines = rules.split('\n');
    const jump = `-A FORWARD -j ${this.#chain}`;
    const jumps = lines.includes(jump);
    const others = lines.some((line) => line.startsWith('-A FORWARD') && line !== jump);
    const strict = lines.includes('-P FORWARD DROP') || others;
    if (!strict || bridges.length === 0) {
      if (jumps) await this.#remove(program);
      return false;
    }
    const text = [
      '*filter',
      `:${this.#chain} - [0:0]`,
      ...bridges.flatMap((bridge) => [`-A ${this.#chain} -i ${bridge} -j ACCEPT`, `-A ${this.#chain} -o ${bridge} -j ACCEPT`]),
      ...(jumps ? [] : [`-I FORWARD -j ${this.#chain}`]),
      'COMMIT',
      '',
    ].join('\n');
    await run(`${program}-restore`, ['-w', '--noflush'], text);
    return true;
  }

  async #remove(program: string): Promise<void> {
    await run(
      `${program}-restore`,
      ['-w', '--noflush'],
      `*filter\n-D FORWARD -j ${this.#chain}\n-F ${this.#chain}\n-X ${this.#chain}\nCOMMIT\n`,
    );
  }
}
