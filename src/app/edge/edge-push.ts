/** Owns the handing on of what one client publishes at an edge: the leave of the origin first, then the copy to it. */
import { isDeepStrictEqual } from 'node:util';

import { describeError, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { redact } from '../../core/redact';
import type { RtmpRequest } from '../../rtmp/request';
import { RefusalStatus } from '../access/access';
import type { ClientIdentity, Refusal } from '../access/access';
import type { VhostOptions } from '../config/config';
import type { StreamName } from '../stream/sink';
import { streamKey } from '../stream/source';
import type { Source } from '../stream/source';
import { Backoff } from '../upstream/backoff';
import { namesFrom } from '../upstream/names';
import { Relay } from '../upstream/relay';
import type { RelayStatus } from '../upstream/relay';
import type { UpstreamError } from '../upstream/upstream-error';

import { askedBy } from './asked';
import type { EdgeParts } from './edge-parts';
import { isVerdict, refusalBy } from './verdict';

/** Waits when all origins have failed, ms. */
const MIN_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 3000;
/** A client waits so long for the leave of an origin, ms. */
const GRANT_MS = 15_000;
/** Without an origin that takes it, it publishes on for so long, ms. */
const GIVE_UP_MS = 30_000;
/** So long an origin may take to notice that the one whose place is taken has left, ms. */
const YIELD_MS = 3000;

/** How a push is doing. */
export interface PushStatus extends RelayStatus {
  readonly stream: StreamName;
  /** That of the client that publishes the stream here: the lines of both are under it. */
  readonly contextId: number;
}

const NOTHING_YET: RelayStatus = {
  url: '',
  state: 'waiting',
  connectedMs: 0,
  sentBytes: 0,
  messages: 0,
  dropped: 0,
  reconnects: 0,
  lastError: '',
  contextId: 0,
};

/** A push from the question whether the client may publish to the end of that. */
export class EdgePush {
  readonly client: ClientIdentity;
  readonly stream: StreamName;
  readonly #parts: EdgeParts;
  readonly #log: Logger;
  readonly #request: RtmpRequest;
  #vhost: VhostOptions;
  #relay: Relay | undefined;
  /** The relay was made by other words than those of now. */
  #isOutdated = false;
  #source: Source | undefined;
  /** Tells the client, while it waits for the answer. */
  #answer: ((refusal: Refusal | undefined) => void) | undefined;
  #answerByMs = Infinity;
  /** Until then the origin may think that another of us publishes the stream. */
  #yieldedUntilMs = -Infinity;
  #lastError: SrsError | undefined;
  /** An origin takes it at present. */
  #isGranted = false;
  #hasYielded = false;
  #isClosed = false;

  constructor(parts: EdgeParts, client: ClientIdentity, vhost: VhostOptions) {
    const { app, stream } = client.request;
    this.client = client;
    this.stream = { vhost: vhost.name, app, stream };
    this.#parts = parts;
    this.#log = parts.log.child(client.id);
    this.#request = askedBy(client.request);
    this.#vhost = vhost;
  }

  /** Whether the media of the client goes through it. */
  get isAttached(): boolean {
    return this.#source !== undefined;
  }

  get status(): PushStatus {
    const relay = this.#relay?.status() ?? NOTHING_YET;
    return { ...relay, stream: this.stream, contextId: this.client.id };
  }

  /**
   * Asks the origins for leave to publish; once. Undefined when one has granted it. Never rejects.
   *
   * @param takesOver in the place of another client, whose push has just ended
   */
  open(takesOver: boolean): Promise<Refusal | undefined> {
    const nowMs = this.#parts.clock.nowMs();
    this.#answerByMs = nowMs + GRANT_MS;
    if (takesOver) this.#yieldedUntilMs = nowMs + YIELD_MS;
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.#begin();
    });
  }

  /** The client publishes now: what it sends is handed on. */
  attach(source: Source): void {
    this.#source = source;
    this.#relay?.attach(source);
  }

  /** It does not any more. */
  detach(): void {
    this.#source = undefined;
    this.#relay?.detach();
  }

  /** Makes room for another client that is about to take the stream over. */
  yield(): void {
    this.#hasYielded = true;
    this.#leave();
  }

  /** The other client did not come: goes on, if its own publishes still. */
  resume(): void {
    if (!this.#hasYielded || this.#isClosed || !this.#source) return;
    this.#hasYielded = false;
    this.#begin();
  }

  /** Goes on with changed options of its vhost: elsewhere, if the origin of now is not among them any more. */
  setVhost(vhost: VhostOptions): void {
    const before = this.#vhost;
    this.#vhost = vhost;
    if (before.upstreamVhost !== vhost.upstreamVhost) this.#beginAnew();
    else if (!isDeepStrictEqual(before.origin, vhost.origin)) void this.#moveOver();
  }

  /** Looks whether somebody still waits for the answer; to be called a few times a second. */
  check(nowMs: number): void {
    if (!this.#answer) return;
    if (this.client.isClosing === true) {
      this.close(new SrsError(ErrorCode.SOCKET_CLOSED, 'the client has left'));
    } else if (nowMs >= this.#answerByMs) {
      const reason = this.#lastError ? `, ${this.#lastError.message}` : '';
      const text = `expect an origin that takes the stream within ${GRANT_MS} ms${reason}`;
      this.close(new SrsError(this.#lastError?.code ?? ErrorCode.ST_CONNECT, text));
    }
  }

  /** Ends it; a client that waits for the answer is refused with the reason. Idempotent. */
  close(reason: SrsError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#leave();
    const { code, message } = reason;
    this.#settle({ code, status: RefusalStatus.publish, description: message });
  }

  /** The client cannot go on: it is told why, and closed. */
  drop(reason: SrsError): void {
    this.close(reason);
    const publisher = this.#source?.publisher;
    if (publisher?.contextId === this.client.id) publisher.drop(reason);
  }

  #createRelay(): Relay {
    const { upstreamVerify, debugSrsUpnode, origin, edgeTimeoutMs } = this.#vhost;
    const { args, pageUrl, swfUrl } = this.#request;
    return new Relay(
      this.#parts,
      {
        words: origin,
        names: namesFrom(this.#request, this.#vhost),
        kind: 'edge-push',
        log: this.#log,
        backoff: new Backoff(MIN_BACKOFF_MS, MAX_BACKOFF_MS),
        verify: upstreamVerify,
        identify: debugSrsUpnode,
        args: debugSrsUpnode ? args : undefined,
        pageUrl,
        swfUrl,
        flushMs: 0,
        silenceMs: edgeTimeoutMs,
        giveUpMs: GIVE_UP_MS,
      },
      {
        onGranted: () => {
          this.#onGranted();
        },
        onFailed: (error) => {
          this.#isGranted = false;
          this.#lastError = error;
          if (this.#isOutdated) this.#beginAnew();
        },
        onRefused: (error) => this.#onRefused(error),
        onGaveUp: (error) => {
          this.drop(error);
        },
      },
    );
  }

  #begin(): void {
    try {
      const relay = this.#createRelay();
      this.#relay = relay;
      if (this.#source) relay.attach(this.#source);
      relay.start();
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.drop(error);
    }
  }

  #leave(): void {
    this.#isGranted = false;
    this.#isOutdated = false;
    this.#relay?.stop();
    this.#relay = undefined;
  }

  /** By the words of now. */
  #beginAnew(): void {
    if (this.#hasYielded || this.#isClosed) return;
    this.#leave();
    this.#log.trace('edge push begins anew, a reload has changed where to');
    this.#begin();
  }

  /** The list of origins has changed: whether the one of now is still among them. */
  async #moveOver(): Promise<void> {
    const relay = this.#relay;
    this.#isOutdated = true;
    try {
      const servers = await this.#parts.origins.configured(this.#vhost);
      if (this.#relay !== relay) return;
      const { state, url = '' } = relay?.status() ?? {};
      const isListed = servers.some(({ schema, label }) => url.startsWith(`${schema}://${label}/`));
      if (!isListed || state !== 'connected') this.#beginAnew();
    } catch (error) {
      this.#log.warn(`edge push stays where it is, ${redact(describeError(error))}`, error);
    }
  }

  #onGranted(): void {
    this.#isGranted = true;
    const url = this.#relay?.status().url ?? '';
    this.#log.trace(`edge push ${redact(streamKey(this.stream))}, url=${url}`);
    this.#settle(undefined);
  }

  /** The origin has spoken. What it says of the place that one of us has just left may be out of date. */
  #onRefused(error: UpstreamError): 'retry' | 'stop' {
    const wasGranted = this.#isGranted;
    this.#isGranted = false;
    this.#lastError = error;
    if (!isVerdict(error)) return 'retry';
    const isBusy = error.status === RefusalStatus.badName;
    const nowMs = this.#parts.clock.nowMs();
    if (this.#answer) {
      if (isBusy && nowMs < this.#yieldedUntilMs) return 'retry';
      this.#isClosed = true;
      this.#settle(refusalBy(error, 'publish'));
      return 'stop';
    }
    if (isBusy && !wasGranted) return 'retry';
    this.drop(new SrsError(error.code, refusalBy(error, 'publish').description));
    return 'stop';
  }

  #settle(refusal: Refusal | undefined): void {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(refusal);
  }
}
