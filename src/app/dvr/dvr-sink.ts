/** Owns the place of recording among the readers of a stream: a recorder per publish. */
import type { AmfObject } from '../../rtmp/amf0-value';
import type { StreamMessage, StreamSink, StreamStart } from '../stream/sink';

import type { Recorder } from './recorder';

/** Keeps the recorders there are. */
export interface RecorderPool {
  create(start: StreamStart): Recorder;
  /** It was closed. */
  release(recorder: Recorder): void;
}

export class DvrSink implements StreamSink {
  readonly name = 'dvr';
  readonly #pool: RecorderPool;
  #recorder: Recorder | undefined;

  constructor(pool: RecorderPool) {
    this.#pool = pool;
  }

  onPublish(start: StreamStart): void {
    this.onUnpublish();
    this.#recorder = this.#pool.create(start);
  }

  onMetadata(metadata: AmfObject): void {
    this.#recorder?.takeMetadata(metadata);
  }

  onMessage(message: StreamMessage): void {
    this.#recorder?.take(message);
  }

  onUnpublish(): void {
    const recorder = this.#recorder;
    if (recorder === undefined) return;
    this.#recorder = undefined;
    recorder.close();
    this.#pool.release(recorder);
  }
}
