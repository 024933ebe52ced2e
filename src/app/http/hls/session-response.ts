/** Owns the answer from memory to one request of a session: counted, kept from shared caches, with the query carried on. */
import type { ServerResponse } from 'node:http';

import { privateCacheControl } from '../mime-types';

import { withQuery } from './carried-query';

/** The answering side of a request to what is held in memory. */
export interface MemoryResponse {
  writeHead(status: number, headers: Record<string, string | number>): unknown;
  write(chunk: Buffer): unknown;
  end(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** How an answer differs from what memory says. */
export interface ResponseChanges {
  /** Not for caches that others use. */
  readonly isPrivate: boolean;
  /** Added to each URI of a playlist; '' where there is nothing to add. */
  readonly query: string;
  /** Told of the bytes of the body. */
  sent(bytes: number): void;
}

const CACHE_CONTROL = 'Cache-Control';
const PLAYLIST_TYPE = 'mpegurl';

/** Stands between memory and the response of node:http. */
export class SessionResponse implements MemoryResponse {
  readonly #response: ServerResponse;
  readonly #changes: ResponseChanges;
  /** What is held back of a playlist until it is whole. */
  #held: { status: number; headers: Record<string, string | number>; chunks: Buffer[] } | undefined;

  constructor(response: ServerResponse, changes: ResponseChanges) {
    this.#response = response;
    this.#changes = changes;
  }

  writeHead(status: number, headers: Record<string, string | number>): void {
    const { isPrivate, query } = this.#changes;
    const cacheControl = headers[CACHE_CONTROL]?.toString();
    const own = isPrivate
      ? { ...headers, [CACHE_CONTROL]: privateCacheControl(cacheControl) }
      : headers;
    const isPlaylist = String(headers['Content-Type']).includes(PLAYLIST_TYPE);
    if (status === 200 && query !== '' && isPlaylist) {
      this.#held = { status, headers: own, chunks: [] };
    } else this.#response.writeHead(status, own);
  }

  write(chunk: Buffer): void {
    if (this.#held) {
      this.#held.chunks.push(chunk);
      return;
    }
    this.#write(chunk);
  }

  end(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held) this.#sendPlaylist(Buffer.concat(held.chunks).toString(), held);
    this.#response.end();
  }

  once(event: 'close', listener: () => void): void {
    this.#response.once(event, listener);
  }

  #sendPlaylist(
    text: string,
    { status, headers }: { status: number; headers: Record<string, string | number> },
  ): void {
    const body = Buffer.from(withQuery(text, this.#changes.query));
    this.#response.writeHead(status, { ...headers, 'Content-Length': body.length });
    this.#write(body);
  }

  #write(body: Buffer): void {
    // Node drops the body of an answer to HEAD.
    this.#response.write(body);
    if (this.#response.req.method !== 'HEAD') this.#changes.sent(body.length);
  }
}
