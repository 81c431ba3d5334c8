import { randomBytes } from 'node:crypto';
import type { EngineClient } from '../engine-client/index.ts';
import type { OpenHostShell, OpenTerminal, TerminalInfo } from '../ipc/contract.ts';
import type { StreamPort } from './port.ts';
import type { Session, Size } from './session.ts';
import { Terminal, type TerminalRequest } from './terminal.ts';

const LIMIT = 200;

export interface TerminalsOptions {
  /** @throws Error with a sentence for the user if the host is not connected */
  client: (hostId: string) => EngineClient;
  /** A shell on the host's machine. @throws Error with a sentence for the user */
  shell: (hostId: string, size: Size) => Promise<Session>;
  onChange: (terminals: TerminalInfo[]) => void;
}

/** All terminals, from any host. They belong to the app, not to a window: a reload finds them again. */
export class Terminals {
  readonly #options: TerminalsOptions;
  readonly #terminals = new Map<string, Terminal>();

  constructor(options: TerminalsOptions) {
    this.#options = options;
  }

  list(): TerminalInfo[] {
    return [...this.#terminals.values()].map((terminal) => terminal.info);
  }

  open(request: OpenTerminal): TerminalInfo {
    this.#options.client(request.hostId);
    return this.#start(request);
  }

  openOnHost(request: OpenHostShell): TerminalInfo {
    return this.#start({ ...request, mode: 'host' });
  }

  #start(request: TerminalRequest): TerminalInfo {
    if (this.#terminals.size >= LIMIT) throw new Error(`${LIMIT} terminals are open: close one first`);
    const { client, shell } = this.#options;
    const terminal = new Terminal(
      `t${randomBytes(6).toString('hex')}`,
      request,
      { client: () => client(request.hostId), shell: (size) => shell(request.hostId, size) },
      () => this.#options.onChange(this.list()),
    );
    this.#terminals.set(terminal.info.id, terminal);
    void terminal.run();
    return terminal.info;
  }

  view(id: string, port: StreamPort): void {
    this.#get(id).view(port);
  }

  reopen(id: string): TerminalInfo {
    const terminal = this.#get(id);
    if (terminal.info.state.status === 'ended') void terminal.run();
    return terminal.info;
  }

  close(id: string): void {
    this.#get(id).close();
    this.#terminals.delete(id);
    this.#options.onChange(this.list());
  }

  closeAll(): void {
    for (const id of [...this.#terminals.keys()]) this.close(id);
  }

  #get(id: string): Terminal {
    const terminal = this.#terminals.get(id);
    if (!terminal) throw new Error('This terminal was closed');
    return terminal;
  }
}
