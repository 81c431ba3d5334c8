import { expect } from 'vitest';
import { BASE, type TestEngine } from './harness.ts';
import { Place, type Wire } from './places.ts';

/** All that a network is for, tried on one wire: a container that is published, and one that only calls. Port 70 of the peer must be served. */
export class Traffic {
  readonly #wire: Wire;
  readonly #engine: () => TestEngine | undefined;
  readonly #places: Place[] = [];
  /** Of the published container, in its network. */
  serverAddress = '';

  constructor(wire: Wire, engine: () => TestEngine | undefined) {
    this.#wire = wire;
    this.#engine = engine;
  }

  /** What the CLI prints; it must end well. */
  async docker(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = (await this.#engine()?.docker(args)) ?? { code: -1, stdout: '', stderr: 'no engine' };
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  }

  /** The namespace of a container that runs. */
  async inside(name: string): Promise<Place> {
    const place = new Place('-t', await this.docker('inspect', '-f', '{{.State.Pid}}', name), '-n');
    this.#places.push(place);
    return place;
  }

  /** A container with a published server (port 8080), in a network of its own, and one that only calls. */
  async containers(): Promise<{ server: Place; client: Place }> {
    await this.docker('network', 'create', 'net');
    await this.docker('run', '-d', '--restart', 'always', '--name', 'server', '--network', 'net', '-p', '8080:80', BASE, 'sleep', '6000');
    await this.docker('run', '-d', '--name', 'client', BASE, 'sleep', '6000');
    const server = await this.inside('server');
    await server.serveTcp(80);
    this.serverAddress = await this.docker('inspect', '-f', '{{.NetworkSettings.Networks.net.IPAddress}}', 'server');
    return { server, client: await this.inside('client') };
  }

  /** From outside, from the host, to the outside, by way of the host to each other; and not from network to network. */
  async works(server: Place, client: Place): Promise<void> {
    const { host, peer, hostAddress, peerAddress } = this.#wire;
    expect(await peer.tcp(hostAddress, 8080)).toBe(peerAddress);
    expect(await host.tcp('127.0.0.1', 8080)).toMatch(/^172\./);
    expect(await server.tcp(peerAddress, 70)).toBe(hostAddress);
    expect(await client.tcp(peerAddress, 70)).toBe(hostAddress);
    expect(await client.tcp(hostAddress, 8080)).toMatch(/^172\./);
    expect(await client.tcp(this.serverAddress, 80)).toBe('no answer');
  }

  close(): void {
    for (const place of this.#places) place.close();
  }
}
