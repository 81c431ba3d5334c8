import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

/** A registry's answer, of any status, its body unread. */
export interface RegistryResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: Readable;
  method: string;
  /** Where the answer came from, after redirects. */
  url: URL;
}
