import { afterAll, beforeAll } from 'vitest';
import { BASE, startEngine, type TestEngine } from './harness.ts';
import { Place, Wire } from './places.ts';

/** An engine in a network namespace with a second host on its wire. */
export interface Wired {
  readonly wire: Wire;
  readonly engine: TestEngine;
  /** What the CLI prints; it must end well. */
  docker(...args: string[]): Promise<string>;
  /** What the CLI says against it. */
  refused(...args: string[]): Promise<string>;
  /** The namespace of a container that runs. */
  inside(name: string): Promise<Place>;
  /** A container that sleeps, by the arguments of `docker run`; its namespace. */
  sleeper(name: string, ...args: string[]): Promise<Place>;
}

/** For the suite around the call: there before its tests, gone after them. @param before the engine starts */
export function wiredEngine(before?: (wire: Wire) => Promise<void>): Wired {
  let wire: Wire;
  let engine: TestEngine;
  const places: Place[] = [];
  beforeAll(async () => {
    wire = new Wire();
    await before?.(wire);
    engine = await startEngine({ wrap: wire.host.wrap });
  });
  afterAll(async () => {
    for (const place of places) place.close();
    try {
      await engine?.stop();
    } finally {
      wire?.close();
    }
  });
  const docker = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await engine.docker(args);
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const inside = async (name: string): Promise<Place> => {
    const place = new Place('-t', await docker('inspect', '-f', '{{.State.Pid}}', name), '-n');
    places.push(place);
    return place;
  };
  return {
    get wire() {
      return wire;
    },
    get engine() {
      return engine;
    },
    docker,
    refused: async (...args) => (await engine.docker(args)).stderr,
    inside,
    async sleeper(name, ...args) {
      await docker('run', '-d', '--name', name, ...args, BASE, 'sleep', '600');
      return await inside(name);
    },
  };
}
