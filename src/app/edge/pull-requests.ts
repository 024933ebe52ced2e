/** Owns the choice in whose name a stream is fetched: the newest who wants it, or one who is known to have leave. */
import type { RtmpRequest } from '../../rtmp/request';

/** Those who want one stream, as far as they count upstream. */
export class PullRequests {
  #newest: RtmpRequest;
  /** With this one a server has sent media. */
  #granted: RtmpRequest | undefined;
  /** A server has refused the newest. */
  #isRefused = false;

  constructor(newest: RtmpRequest) {
    this.#newest = newest;
  }

  /** Whose tokens are sent. */
  get current(): RtmpRequest {
    return (this.#isRefused ? this.#granted : undefined) ?? this.#newest;
  }

  /** One more wants it. */
  add(request: RtmpRequest): void {
    this.#newest = request;
    this.#isRefused = false;
  }

  /** A server has sent media for it. */
  grant(request: RtmpRequest): void {
    this.#granted = request;
  }

  /** A server has said no; whether there is another in whose name to ask it. */
  refuse(request: RtmpRequest): boolean {
    this.#isRefused = request === this.#newest && this.#granted !== undefined;
    return this.#isRefused && this.current !== request;
  }
}
