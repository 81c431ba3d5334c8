/** A plain client of the Docker Engine API over a Unix socket: the same code measures all engines. */
import { Agent, request } from 'node:http';
import { pipeline } from 'node:stream/promises';

const version = '/v1.40';

export class Api {
  /** @param hostConfig  what each container gets besides what a measure asks for */
  constructor(socketPath, hostConfig = {}) {
    this.socketPath = socketPath;
    this.hostConfig = hostConfig;
    this.agent = new Agent({ keepAlive: true, maxSockets: 32 });
  }

  /** Starts a request; resolves with the response, its body unread. */
  open(method, path, { body, headers = {}, upgrade = false } = {}) {
    return new Promise((resolve, reject) => {
      const isStream = typeof body?.pipe === 'function';
      const payload = body === undefined || isStream ? undefined : JSON.stringify(body);
      const sent = request({
        socketPath: this.socketPath,
        agent: upgrade ? false : this.agent,
        method,
        path: version + path,
        headers: {
          ...(payload === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }),
          ...(upgrade ? { Connection: 'Upgrade', Upgrade: 'tcp' } : {}),
          ...headers,
        },
      });
      sent.on('error', reject);
      sent.on('response', resolve);
      sent.on('upgrade', (response, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(Object.assign(response, { socket, upgraded: true }));
      });
      if (isStream) pipeline(body, sent).catch(reject);
      else sent.end(payload);
    });
  }

  /** A whole request; resolves with the parsed answer. Throws on a status of 400 or more. */
  async call(method, path, options) {
    const response = await this.open(method, path, options);
    const chunks = [];
    for await (const chunk of response) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    if (response.statusCode >= 400) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
    return response.headers['content-type']?.startsWith('application/json') && text !== '' ? lastJson(text) : text;
  }

  /** Reads an answer to its end without keeping it; resolves with its length in bytes. */
  async drain(method, path, options) {
    const response = await this.open(method, path, options);
    let bytes = 0;
    for await (const chunk of response) bytes += chunk.length;
    if (response.statusCode >= 400) throw new Error(`${method} ${path}: ${response.statusCode}`);
    return bytes;
  }

  /** A hijacked stream, for attach and exec: resolves with a duplex. */
  async hijack(path, body) {
    const response = await this.open('POST', path, { upgrade: true, body });
    if (response.upgraded) return response.socket;
    if (response.statusCode >= 400) throw new Error(`POST ${path}: ${response.statusCode}`);
    return response;
  }

  create(options, name) {
    return this.call('POST', `/containers/create${name ? `?name=${name}` : ''}`, {
      body: { ...options, HostConfig: { ...this.hostConfig, ...options.HostConfig } },
    });
  }

  close() {
    this.agent.destroy();
  }
}

/** Progress streams are many JSON values; the last one says how it ended. */
function lastJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    const lines = text.trim().split('\n');
    const failed = lines.find((line) => line.includes('"error"'));
    if (failed) throw new Error(failed);
    return JSON.parse(lines.at(-1));
  }
}
