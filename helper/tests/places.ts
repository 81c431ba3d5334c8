import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type Finished, run } from './process.ts';

const repository = path.resolve(import.meta.dirname ?? '.', '../..');

/** A network namespace to run programs in. */
export class Place {
  readonly #enter: string[];
  readonly #children: ChildProcess[] = [];

  /** @param enter options of nsenter: `--net=PATH`, or `-t PID -n` for a container's */
  constructor(...enter: string[]) {
    this.#enter = enter;
  }

  /** Arguments that start a program here. */
  get wrap(): string[] {
    return ['nsenter', ...this.#enter];
  }

  run(...command: string[]): Promise<Finished> {
    return run('nsenter', [...this.#enter, ...command]);
  }

  /** What a program prints; it must end well. */
  async output(...command: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...command);
    if (code !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
    return stdout.trim();
  }

  /** A shell script, at once: for set-up. */
  set(script: string): void {
    execFileSync('nsenter', [...this.#enter, 'sh', '-ec', script], { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  /** A Node script that says `up` when it serves; ended by `close`. */
  async start(script: string): Promise<ChildProcess> {
    return await this.startProgram(/^up$/m, process.execPath, '-e', script);
  }

  /** A program that goes on; resolves when it has printed `ready`. */
  async startProgram(ready: RegExp, command: string, ...args: string[]): Promise<ChildProcess> {
    const child = spawn('nsenter', [...this.#enter, command, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: repository });
    this.#children.push(child);
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const hear = (text: Buffer): void => {
        said += text;
        if (ready.test(said)) resolve();
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.once('exit', () => reject(new Error(`${command} ended: ${said}`)));
    });
    return child;
  }

  /** Tells every client its address, as the server sees it. */
  serveTcp(port: number, host = '::'): Promise<ChildProcess> {
    return this.start(
      `require('net').createServer(s=>{s.on('error',()=>{});s.end(s.remoteAddress.replace('::ffff:',''))}).listen(${port},'${host}',()=>console.log('up'))`,
    );
  }

  /** Answers every datagram with `name` and the sender's address. */
  serveUdp(port: number, name: string, host = '0.0.0.0'): Promise<ChildProcess> {
    const kind = host.includes(':') ? 'udp6' : 'udp4';
    return this.start(
      `const s=require('dgram').createSocket('${kind}');s.on('message',(m,r)=>s.send('${name} '+r.address,r.port,r.address));s.bind(${port},'${host}',()=>console.log('up'))`,
    );
  }

  /** What a server of `serveTcp` says; else `no answer`, or the error's code. */
  async tcp(host: string, port: number | string): Promise<string> {
    return await this.#ask(
      `const s=require('net').connect(${port},'${host}');s.setTimeout(1000,()=>{console.log('no answer');process.exit()});
       s.on('error',e=>console.log(e.code));s.on('data',d=>process.stdout.write(d))`,
    );
  }

  async udp(host: string, port: number | string): Promise<string> {
    return await this.#ask(
      `const s=require('dgram').createSocket('${host.includes(':') ? 'udp6' : 'udp4'}');setTimeout(()=>{console.log('no answer');process.exit()},1000);
       s.on('message',m=>{console.log(String(m));process.exit()});s.on('error',e=>{console.log(e.code);process.exit()});s.connect(${port},'${host}',()=>s.send('?'))`,
    );
  }

  /** Asks the name server at 127.0.0.11, by default. @returns the answers, sorted, or the error's code */
  async resolve(name: string, type = 'resolve4', options = '{timeout:5000,tries:1}'): Promise<string> {
    return await this.#ask(
      `const r=new (require('dns').Resolver)(${options});r.setServers(['127.0.0.11']);
       r.${type}('${name}',(e,a)=>console.log(e?e.code:a.sort().join(' ')))`,
    );
  }

  async #ask(script: string): Promise<string> {
    return (await this.run(process.execPath, '-e', script)).stdout.trim();
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}

/**
 * Two hosts on one wire, each a network namespace: `host` for the engine, `peer` for the world outside of it.
 * 198.51.100.1 and .2, fd00:db8::1 and ::2; the host's default route is the peer.
 */
export class Wire {
  readonly #names: string[];
  readonly host: Place;
  readonly peer: Place;
  readonly hostAddress = '198.51.100.1';
  readonly peerAddress = '198.51.100.2';

  /** @param host `machine`: the host is this machine itself, with its firewalls and without another default route */
  constructor(host: 'namespace' | 'machine' = 'namespace') {
    const id = randomBytes(3).toString('hex');
    const [own, peer] = [`gt-${id}-host`, `gt-${id}-peer`];
    this.#names = host === 'machine' ? [peer] : [own, peer];
    for (const name of this.#names) execFileSync('ip', ['netns', 'add', name]);
    this.host = host === 'machine' ? new Place('-t', '1', '-n') : new Place(`--net=/run/netns/${own}`);
    this.peer = new Place(`--net=/run/netns/${peer}`);
    this.host.set(`ip link add wire type veth peer name wire netns ${peer}`);
    for (const [place, number] of [
      [this.host, 1],
      [this.peer, 2],
    ] as const) {
      place.set(`ip link set lo up; ip link set wire up
        ip addr add 198.51.100.${number}/24 dev wire; ip addr add fd00:db8::${number}/64 dev wire nodad`);
    }
    if (host === 'namespace') this.host.set('ip route add default via 198.51.100.2; ip -6 route add default via fd00:db8::2');
  }

  /** The way from the peer to a network behind the host. */
  routeTo(subnet: string): void {
    const v6 = subnet.includes(':');
    this.peer.set(`ip ${v6 ? '-6' : ''} route replace ${subnet} via ${v6 ? 'fd00:db8::1' : this.hostAddress}`);
  }

  close(): void {
    this.host.close();
    this.peer.close();
    for (const name of this.#names) execFileSync('ip', ['netns', 'delete', name]);
  }
}
