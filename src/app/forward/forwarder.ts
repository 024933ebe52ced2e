/** Owns one copy of one stream to one destination, from the begin of the publish to its end. */
import { describeError } from '../../core/errors';
import type { SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { VhostOptions } from '../config/config';
import { Kbps } from '../stats/kbps';
import type { ForwardStats } from '../stats/stat-types';
import type { StatusLines } from '../stats/status-lines';
import { flushIntervalMs } from '../stream/delivery';
import type { Source } from '../stream/source';
import { Backoff } from '../upstream/backoff';
import type { FailureMemory } from '../upstream/candidates';
import { Relay } from '../upstream/relay';
import { parseUpstream } from '../upstream/target';
import type { UpstreamWord } from '../upstream/target';

import type { ForwardParts } from './forward-parts';
import { guardedResolver, isSameStream } from './loop-guard';
import type { OwnServer } from './loop-guard';

/** First and longest wait between two attempts. */
const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

/** What forwarders share. */
export interface ForwarderHost {
  readonly parts: ForwardParts;
  readonly failures: FailureMemory;
  readonly lines: StatusLines;
}

/** Who wants a copy. */
export interface ForwardOrigin {
  readonly kind: ForwardStats['origin'];
  /** Id of what an operator added; undefined for other origins. */
  readonly destinationId: number | undefined;
}

/** What is to be copied where. */
export interface ForwardTask {
  readonly source: Source;
  /** The vhost of the source. */
  readonly vhost: VhostOptions;
  /** Where to, in the words of the configuration. */
  readonly text: string;
  readonly origin: ForwardOrigin;
}

/** Copies when constructed; what goes wrong is logged, and tried again until {@link stop}. */
export class Forwarder {
  /** Context id of its lines. */
  readonly id: number;
  readonly #host: ForwarderHost;
  readonly #task: ForwardTask;
  readonly #word: UpstreamWord;
  readonly #log: Logger;
  readonly #relay: Relay;
  readonly #kbps: Kbps;
  #origin: ForwardOrigin;
  #isUp = false;
  #sinceMs: number;
  /** Why there is no copy at all: the destination is the source itself. */
  #loop: SrsError | undefined;

  /** @throws SrsError when the text means nothing */
  constructor(host: ForwarderHost, task: ForwardTask) {
    const { parts } = host;
    this.#word = parseUpstream(task.text);
    this.id = parts.ids.next();
    this.#host = host;
    this.#task = task;
    this.#origin = task.origin;
    this.#log = parts.log.child(this.id);
    this.#sinceMs = this.#wallMs;
    this.#kbps = new Kbps(parts.upstream.clock.nowMs());
    this.#relay = this.#createRelay();
    this.tellSource('begins');
    this.#relay.attach(task.source);
    this.#relay.start();
  }

  set origin(origin: ForwardOrigin) {
    this.#origin = origin;
  }

  /** Goes on with changed options of its vhost; false when it cannot: another one has to take its place. */
  setVhost(vhost: VhostOptions): boolean {
    const { upstreamVerify, debugSrsUpnode } = this.#task.vhost;
    const isSame =
      vhost.upstreamVerify === upstreamVerify && vhost.debugSrsUpnode === debugSrsUpnode;
    if (isSame) this.#relay.setFlushMs(flushIntervalMs(vhost));
    return isSame;
  }

  /** Logs whose stream it copies, by which its lines are found from those of the publisher. */
  tellSource(what: 'begins' | 'goes on'): void {
    const { source } = this.#task;
    this.#log.trace(
      `forward ${what}, url=${this.#word.text}, input=${source.key}, origin=${this.#origin.kind}, ` +
        `source_id=${source.sourceId}`,
    );
  }

  /** Brings its rate up to date. */
  sample(nowMs: number): void {
    this.#kbps.sample(nowMs, this.#relay.status().sentBytes);
  }

  /** How it does, as of `nowMs`. */
  stats(nowMs: number): ForwardStats {
    const { url, state, sentBytes, reconnects, dropped, lastError } = this.#relay.status();
    const { vhost, app, stream } = this.#task.source.name;
    return {
      id: this.id,
      destinationId: this.#origin.destinationId,
      vhost,
      app,
      stream,
      url,
      origin: this.#origin.kind,
      state,
      sinceMs: this.#sinceMs,
      sendBytes: sentBytes,
      sendKbps: this.#kbps.sample(nowMs, sentBytes).kbps30s,
      reconnects,
      dropped,
      lastError: this.#loop?.message ?? lastError,
    };
  }

  /** Withdraws the copy, when what waits was sent; idempotent. */
  stop(): void {
    const { sentBytes, messages, dropped } = this.#relay.status();
    this.#relay.stop();
    this.#log.trace(
      `forward ends, url=${this.#word.text}, msgs=${messages}, bytes=${sentBytes}, dropped=${dropped}`,
    );
  }

  #createRelay(): Relay {
    const { parts, failures, lines } = this.#host;
    const { upstream, createBackoff } = parts;
    const { vhost, text, source } = this.#task;
    const names = { ...source.name, param: '', streamParam: '' };
    return new Relay(
      { ...upstream, resolver: this.#guard(), failures, lines },
      {
        words: [text],
        names,
        kind: 'forward',
        log: this.#log,
        backoff: createBackoff?.() ?? new Backoff(MIN_RETRY_MS, MAX_RETRY_MS),
        verify: vhost.upstreamVerify,
        identify: vhost.debugSrsUpnode,
        flushMs: flushIntervalMs(vhost),
      },
      {
        onGranted: () => {
          this.#setUp(true);
        },
        onRefused: () => {
          this.#setUp(false);
          return 'retry';
        },
        onFailed: () => {
          this.#setUp(false);
        },
      },
    );
  }

  /** Only what names this very stream could come back; all else is looked up as it is. */
  #guard(): ForwardParts['upstream']['resolver'] {
    const { parts } = this.#host;
    const { name } = this.#task.source;
    const names = { ...name, param: '', streamParam: '' };
    const own: OwnServer = {
      vhostName: (vhost) => parts.findVhost(vhost)?.name,
      listening: () => parts.listening(),
    };
    const { resolver } = parts.upstream;
    if (!isSameStream(this.#word, names, name, own)) return resolver;
    return guardedResolver(resolver, this.#word, own, (error) => {
      this.#onLoop(error);
    });
  }

  /** Of servers that records name another may do. */
  #onLoop(error: SrsError): void {
    if (!this.#loop) {
      this.#log.error(`forward to itself, url=${this.#word.text}, ${describeError(error)}`);
    }
    this.#loop = error;
    if (this.#word.isService) return;
    this.#setUp(false);
    this.#relay.stop();
  }

  #setUp(isUp: boolean): void {
    if (this.#isUp !== isUp) this.#sinceMs = this.#wallMs;
    this.#isUp = isUp;
  }

  get #wallMs(): number {
    return (this.#host.parts.wallMs ?? Date.now)();
  }
}
