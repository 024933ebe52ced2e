/** Owns which readers inside this process each stream has by the options of its vhost: HLS, and recording. */
import { isDeepStrictEqual } from 'node:util';

import { isBuilt } from '../core/version';

import type { VhostOptions } from './config/config';
import type { DvrService } from './dvr/dvr-service';
import type { HlsService } from './hls/hls-service';
import type { StreamSink } from './stream/sink';
import type { Source } from './stream/source';

/** A kind of reader, by the field of the vhost that says how it reads. */
export type SinkKind = 'hls' | 'dvr';

/** Who makes the readers. */
export interface SinkMakers {
  readonly hls: Pick<HlsService, 'sinkFor'>;
  readonly dvr: Pick<DvrService, 'sinkFor'>;
}

/** A reader, and the options it was made by. */
interface Reader {
  readonly sink: StreamSink;
  readonly options: VhostOptions[SinkKind];
}

const KINDS: readonly SinkKind[] = ['hls', 'dvr'];

/** The readers of all streams. */
export class StreamSinks {
  readonly #makers: SinkMakers;
  readonly #readers: Readonly<Record<SinkKind, WeakMap<Source, Reader>>> = {
    hls: new WeakMap(),
    dvr: new WeakMap(),
  };

  constructor(makers: SinkMakers) {
    this.#makers = makers;
  }

  /**
   * Gives a stream the readers that its vhost asks for. One whose options are not those it was made by is ended and
   * another one takes its place, which is told of what is being published; all others read on.
   */
  apply(source: Source, vhost: VhostOptions, kinds = KINDS): void {
    for (const kind of kinds) {
      const options = vhost[kind];
      const before = this.#readers[kind].get(source);
      if (before && isDeepStrictEqual(before.options, options)) continue;
      this.#end(source, kind);
      if (options.enabled && isBuilt(kind)) this.#begin(source, kind, vhost);
    }
  }

  /** Ends all readers of a stream. */
  end(source: Source): void {
    for (const kind of KINDS) this.#end(source, kind);
  }

  #begin(source: Source, kind: SinkKind, vhost: VhostOptions): void {
    const { hls, dvr } = this.#makers;
    const sink =
      kind === 'hls' ? hls.sinkFor(source.name, vhost.hls) : dvr.sinkFor(source.name, vhost.dvr);
    this.#readers[kind].set(source, { sink, options: vhost[kind] });
    source.addSink(sink);
  }

  #end(source: Source, kind: SinkKind): void {
    const reader = this.#readers[kind].get(source);
    if (reader === undefined) return;
    this.#readers[kind].delete(source);
    source.removeSink(reader.sink);
  }
}
