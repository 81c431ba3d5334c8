/** What an engine answered with a status of 400 or more; `message` is the engine's own sentence. */
export class EngineError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'EngineError';
    this.status = status;
  }
}

/** An answer that is not what the Docker API says: too large, no JSON, wrong shape. */
export class ProtocolError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ProtocolError';
  }
}

/** The sentence in an engine's error body (`{"message": …}`, or plain text from proxies), bounded. */
export function messageInBody(body: Buffer, status: number): string {
  const text = body.toString('utf8').trim();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) {
      const { message, cause } = value as { message?: unknown; cause?: unknown };
      if (typeof message === 'string' && message !== '') return message.slice(0, 4096);
      if (typeof cause === 'string' && cause !== '') return cause.slice(0, 4096);
    }
  } catch {
    // Not JSON: the text itself is the message.
  }
  return text === '' ? `The engine answered with status ${status}` : text.slice(0, 4096);
}
