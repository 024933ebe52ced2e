/** Owns what HLS needs of an HTTP request, and the answers it gives from memory. */

/** The answering side of a request; that of node:http fits. */
export interface HlsResponse {
  writeHead(status: number, headers: Record<string, string | number>): unknown;
  write(chunk: Buffer): unknown;
  end(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** A request, as the HTTP server hands it on. */
export interface HlsRequest {
  /** In upper case. */
  readonly method: string;
  /** Decoded, without dot segments, with a slash in front. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly vhost: { readonly name: string } | undefined;
  readonly response: HlsResponse;
}

/** What can be fetched from memory. */
export interface Resource {
  /** It names others that can be fetched. */
  readonly isPlaylist?: boolean;
  /** Answers, now or later; false when there is nothing to answer with yet. */
  serve(request: HlsRequest): boolean;
}

/** Content types by the last part of a name. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  m3u8: 'application/vnd.apple.mpegurl',
  ts: 'video/mp2t',
  m4s: 'video/iso.segment',
  mp4: 'video/mp4',
  key: 'application/octet-stream',
};

/** Content type of a file by its name. */
export function contentType(name: string): string {
  return CONTENT_TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
}

/** Sends what is there: playlists are fetched anew each time, everything else never changes. */
export function sendBuffers(
  { method, response }: Pick<HlsRequest, 'method' | 'response'>,
  buffers: readonly Buffer[],
  headers: { readonly type: string; readonly cacheControl: string },
): void {
  const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  response.writeHead(200, {
    'Content-Type': headers.type,
    'Content-Length': length,
    'Cache-Control': headers.cacheControl,
  });
  if (method !== 'HEAD') for (const buffer of buffers) response.write(buffer);
  response.end();
}

/** Sends a status without a body. */
export function sendStatus(
  { response }: Pick<HlsRequest, 'response'>,
  status: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'Content-Length': 0, 'Cache-Control': 'no-cache', ...headers });
  response.end();
}

/** A file held in memory. */
export class RamFile implements Resource {
  readonly #buffers: readonly Buffer[];
  readonly #type: string;
  readonly #cacheControl: string;

  /** `keepSeconds`: how long clients and caches may keep it. */
  constructor(name: string, buffers: readonly Buffer[], keepSeconds: number) {
    this.#buffers = buffers;
    this.#type = contentType(name);
    this.#cacheControl = `public, max-age=${keepSeconds}`;
  }

  serve(request: HlsRequest): boolean {
    sendBuffers(request, this.#buffers, { type: this.#type, cacheControl: this.#cacheControl });
    return true;
  }
}
