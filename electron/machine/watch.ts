import { hostname } from 'node:os';
import * as v from 'valibot';
import type { EngineClient } from '../engine-client/index.ts';
import { pause } from '../hosts/abort.ts';
import type { Host } from '../ipc/contract.ts';
import { ChannelRefused, type SshSession } from '../ssh/index.ts';
import type { StreamPort } from '../streams/index.ts';
import { localReader } from './local.ts';
import { type Reading, sampleOf } from './parse.ts';
import { type MachineReader, remoteReader } from './remote.ts';

export interface WatchOptions {
  host: Host;
  /** @throws Error if the host is not connected */
  client: () => EngineClient;
  /** kind ssh */
  session: (signal: AbortSignal) => Promise<SshSession>;
  port: StreamPort;
  /** For tests. */
  everyMs?: number;
}

const EVERY_MS = 3000;
/** For the second reading, without which there is no load of the processors. */
const FIRST_MS = 700;

const systemInfo = v.object({ Name: v.optional(v.string(), ''), DockerRootDir: v.optional(v.string(), '') });

/** Sends what a host's machine uses until the port is closed, the connection is lost, or there is nothing to see. Never rejects. */
export async function watchMachine({ host, client, session, port, everyMs = EVERY_MS }: WatchOptions): Promise<void> {
  const closed = new AbortController();
  port.listen(
    (message) => {
      if ((message as { t?: unknown } | null)?.t === 'close') closed.abort();
    },
    () => closed.abort(),
  );
  const { signal } = closed;
  let reader: MachineReader | undefined;
  try {
    // Its name could be this machine's by chance, and there is no shell that would tell.
    if (host.kind === 'tcp') return port.post({ t: 'no-machine', why: 'over-tcp' });
    const info = v.parse(systemInfo, await client().json('GET', '/info', { signal, limitBytes: 4 * 1024 * 1024 }));
    if (host.kind === 'ssh') reader = await remoteReader(await session(signal), info.DockerRootDir, signal);
    // A socket may lead into a virtual machine, or to another machine altogether.
    else if (info.Name !== hostname()) return port.post({ t: 'no-machine', why: 'elsewhere' });
    else reader = localReader(info.DockerRootDir || '/');
    let before: Reading | undefined;
    while (!signal.aborted) {
      const reading = await reader.read(signal);
      if (!reading) return port.post({ t: 'no-machine', why: 'not-understood' });
      port.post({ t: 'machine', sample: sampleOf(reading, before, Date.now()) });
      await pause(before ? everyMs : Math.min(everyMs, FIRST_MS), signal);
      before = reading;
    }
  } catch (error) {
    if (!signal.aborted) port.post({ t: 'no-machine', why: error instanceof ChannelRefused ? 'no-commands' : 'lost' });
  } finally {
    reader?.close();
    port.close();
  }
}
