import { useEffect, useState, useSyncExternalStore } from 'react';
import type { MachineSample, StreamDown } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { type StreamPort, takePort } from '../../lib/stream-ports.ts';

/** Three minutes of them. */
export const SAMPLES = 60;
/** Its command ended while the host stayed: looked at again after this. */
const AGAIN_MS = 15_000;

export interface MachineView {
  samples: readonly MachineSample[];
  /** Why there are none (any more). */
  none?: Extract<StreamDown, { t: 'no-machine' }>['why'];
}

function watchVisibility(changed: () => void): () => void {
  document.addEventListener('visibilitychange', changed);
  return () => document.removeEventListener('visibilitychange', changed);
}

/** What a host's machine uses, as long as somebody can see it and the host is connected; the last that was known stays. */
export function useMachine(host: string, connected: boolean): MachineView {
  const visible = useSyncExternalStore(watchVisibility, () => !document.hidden);
  const [view, setView] = useState<MachineView>({ samples: [] });
  const [round, setRound] = useState(0);
  const lost = view.none === 'lost';
  useEffect(() => {
    if (!connected || !lost) return;
    const timer = setTimeout(() => setRound((n) => n + 1), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [connected, lost]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each round looks again
  useEffect(() => {
    if (!connected || !visible) return;
    let port: StreamPort | undefined;
    let gone = false;
    void (async () => {
      const arrived = await takePort(await gantry().hosts.watch(host));
      if (gone) return arrived.close();
      port = arrived;
      port.onMessage((message) => {
        if (message.t === 'machine') setView(({ samples }) => ({ samples: [...samples, message.sample].slice(-SAMPLES) }));
        else if (message.t === 'no-machine') setView(({ samples }) => ({ samples, none: message.why }));
      });
    })().catch(() => setView(({ samples }) => ({ samples, none: 'lost' })));
    return () => {
      gone = true;
      port?.close();
    };
  }, [host, connected, visible, round]);
  return view;
}
