import type { Client } from 'ssh2';
import type { RawChannel } from './channel-stream.ts';
import { Climber } from './climber.ts';

/** What this needs of ssh2 and its interface does not give. Looked for before it is used; tests fail if a new version differs. */
interface Inside {
  _protocol?: {
    session: (...all: OpenArguments) => void;
    directTcpip: (...all: OpenArguments) => void;
    openssh_directStreamLocal: (...all: OpenArguments) => void;
    channelWindowAdjust: (remoteId: number, amount: number) => void;
    _handlers: { CHANNEL_WINDOW_ADJUST: (protocol: unknown, localId: number, amount: number) => void };
  };
}
type OpenArguments = [localId: number, window: number, ...rest: unknown[]];
/** How many times more this server needs before it says what it has taken. Found out once. */
interface Patience {
  times: number;
  found: boolean;
}
interface Ends {
  incoming: { id: number; window: number };
  outgoing: { id: number; window: number };
}

/** What ssh2 gives each channel, and tops it up to. */
const MOST_BYTES = 2 * 1024 * 1024;
/** Two packets. */
const FIRST_IN_BYTES = 64 * 1024;
/** OpenSSH says what it has taken only once that is more than three packets, 96 KiB. */
const FIRST_OUT_BYTES = 128 * 1024;
/** A server that says it more seldom still, at a megabyte or so, would let us wait for ever: after that long more is sent. */
const STUCK_MS = 3000;

/** Keeps what is under way in a connection's channels no more than the link can use (see Climber), in both directions. */
export class FlowControl {
  readonly #handle: (localId: number, amount: number) => void;
  /** By the other side's number, and by ours. */
  readonly #far = new Map<number, Flow>();
  readonly #near = new Map<number, Flow>();
  readonly #patience: Patience = { times: 1, found: false };

  /** @param client signed in, without channels yet */
  constructor(client: Client) {
    const protocol = (client as unknown as Inside)._protocol;
    const handler = protocol?._handlers?.CHANNEL_WINDOW_ADJUST;
    if (!protocol?.channelWindowAdjust || !handler) throw new Error('this version of ssh2 is not known');
    for (const name of ['session', 'directTcpip', 'openssh_directStreamLocal'] as const) {
      const open = protocol[name].bind(protocol);
      protocol[name] = (localId, _window, ...rest) => open(localId, FIRST_IN_BYTES, ...rest);
    }
    const grant = protocol.channelWindowAdjust.bind(protocol);
    protocol.channelWindowAdjust = (remoteId, amount) => {
      const granted = this.#far.get(remoteId)?.grant(amount) ?? amount;
      if (granted > 0) grant(remoteId, granted);
    };
    this.#handle = (localId, amount) => handler(protocol, localId, amount);
    protocol._handlers.CHANNEL_WINDOW_ADJUST = (_, localId, amount) =>
      this.#handle(localId, this.#near.get(localId)?.allow(amount) ?? amount);
  }

  /** A channel that was just opened. */
  track(channel: RawChannel): Flow {
    const ends = channel as unknown as Ends;
    const flow: Flow = new Flow(ends, this.#patience, () => this.#handle(ends.incoming.id, flow.allow(0)));
    this.#far.set(ends.outgoing.id, flow);
    this.#near.set(ends.incoming.id, flow);
    channel.once('close', () => {
      flow.end();
      // A number is used again as soon as its channel is closed.
      if (this.#far.get(ends.outgoing.id) === flow) this.#far.delete(ends.outgoing.id);
      if (this.#near.get(ends.incoming.id) === flow) this.#near.delete(ends.incoming.id);
    });
    return flow;
  }
}

/** One channel, both ways. ssh2's own counts are made to say what is really allowed. */
export class Flow {
  readonly #ends: Ends;
  readonly #in = new Climber({ firstBytes: FIRST_IN_BYTES, mostBytes: MOST_BYTES });
  readonly #out = new Climber({ firstBytes: FIRST_OUT_BYTES, mostBytes: MOST_BYTES });
  readonly #retry: () => void;
  /** What the other side may still send, when it was last looked at. */
  #left: number;
  /** Of what the other side takes: the most at a time, and what is kept from ssh2. */
  #farMost = 0;
  #withheld = 0;
  readonly #patience: Patience;
  #waiting: NodeJS.Timeout | undefined;

  /** @param retry lets ssh2 look again at what it may send */
  constructor(ends: Ends, patience: Patience, retry: () => void) {
    this.#ends = ends;
    this.#patience = patience;
    this.#retry = retry;
    ends.incoming.window -= MOST_BYTES - FIRST_IN_BYTES;
    this.#left = ends.incoming.window;
    const { window } = ends.outgoing;
    ends.outgoing.window = 0;
    ends.outgoing.window = this.allow(window);
  }

  /** @param amount what ssh2 would give, after which it believes in MOST_BYTES. @returns what is given */
  grant(amount: number): number {
    const { incoming } = this.#ends;
    const left = incoming.window - amount;
    this.#in.count(this.#left - left, performance.now());
    const granted = left <= this.#in.limit / 2 ? this.#in.limit - left : 0;
    this.#left = left + granted;
    incoming.window = this.#left;
    return granted;
  }

  /** @param amount what the other side takes, from now on. @returns what ssh2 may send for it */
  allow(amount: number): number {
    if (amount > 0) {
      if (this.#withheld > 0) this.#patience.found = true;
      this.#out.count(amount, performance.now());
      clearTimeout(this.#waiting);
      this.#waiting = undefined;
    }
    const { window } = this.#ends.outgoing;
    const open = window + this.#withheld + amount;
    this.#farMost = Math.max(this.#farMost, open);
    const underWay = this.#farMost - open;
    const wanted = Math.min(open, this.#out.limit * this.#patience.times - underWay);
    const more = Math.max(0, wanted - window);
    this.#withheld = open - window - more;
    return more;
  }

  /** Something waits until more may be sent. */
  full(): void {
    if (this.#withheld === 0 || this.#patience.found || this.#waiting) return;
    this.#waiting = setTimeout(() => {
      this.#waiting = undefined;
      this.#patience.times *= 2;
      this.#retry();
      if (this.#ends.outgoing.window === 0) this.full();
    }, STUCK_MS);
    this.#waiting.unref();
  }

  end(): void {
    clearTimeout(this.#waiting);
    this.#withheld = 0;
  }
}
