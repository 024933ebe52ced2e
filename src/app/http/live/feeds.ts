/** Owns the remuxed forms of all streams: one for each stream and container, as long as somebody plays it. */
import type { VhostOptions } from '../../config/config';
import { flushIntervalMs } from '../../stream/delivery';
import type { Source } from '../../stream/source';

import { AacEncoder, Mp3Encoder } from './audio-encoder';
import type { CacheLimits } from './chunk-cache';
import type { Container } from './container';
import type { EncoderEvents, FeedEncoder } from './feed-encoder';
import { RemuxFeed } from './remux-feed';
import { TsEncoder } from './ts-encoder';

/** Containers other than that of the log itself. */
export type RemuxContainer = Exclude<Container, 'flv'>;

/** Most audio that is kept for new players, bytes. */
const AUDIO_CACHE_BYTES = 4 * 1024 * 1024;

const ENCODERS: Readonly<Record<RemuxContainer, new (events: EncoderEvents) => FeedEncoder>> = {
  ts: TsEncoder,
  aac: AacEncoder,
  mp3: Mp3Encoder,
};

/** A feed that somebody holds. */
export interface HeldFeed {
  readonly feed: RemuxFeed;
  /** Gives up the hold; once. */
  readonly release: () => void;
}

/** All feeds. */
export class Feeds {
  readonly #feeds = new Map<Source, Map<RemuxContainer, RemuxFeed>>();

  /** The feed, made when there is none; `flushMs` and the options are those of whoever comes first. */
  hold(source: Source, container: RemuxContainer, vhost: VhostOptions, flushMs: number): HeldFeed {
    let ofSource = this.#feeds.get(source);
    if (!ofSource) this.#feeds.set(source, (ofSource = new Map<RemuxContainer, RemuxFeed>()));
    let feed = ofSource.get(container);
    if (!feed) {
      const Encoder = ENCODERS[container];
      feed = new RemuxFeed({
        source,
        flushMs,
        cache: cacheLimits(container, vhost),
        createEncoder: (events) => new Encoder(events),
        onClosed: () => {
          this.#remove(source, container);
        },
      });
      ofSource.set(container, feed);
    }
    return { feed, release: feed.hold() };
  }

  /** Options of a vhost have changed: its feeds go on by these. */
  setVhost(vhost: VhostOptions): void {
    for (const [source, feeds] of this.#feeds) {
      if (source.name.vhost !== vhost.name) continue;
      for (const [container, feed] of feeds) {
        feed.setOptions(flushIntervalMs(vhost), cacheLimits(container, vhost));
      }
    }
  }

  #remove(source: Source, container: RemuxContainer): void {
    const ofSource = this.#feeds.get(source);
    ofSource?.delete(container);
    if (ofSource?.size === 0) this.#feeds.delete(source);
  }
}

function cacheLimits(container: RemuxContainer, vhost: VhostOptions): CacheLimits {
  if (container !== 'ts') {
    return { maxBytes: AUDIO_CACHE_BYTES, span: vhost.httpRemux.fastCacheMs };
  }
  return { maxBytes: vhost.gopCache ? vhost.gopCacheMaxBytes : 0, span: 'start' };
}
