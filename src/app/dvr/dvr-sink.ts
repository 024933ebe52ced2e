/** Owns the place of recording among the readers of a stream: a recorder per publish. */
import type { AmfObject } from '../../rtmp/amf0-value';
import type { StreamMessage, StreamSink, StreamStart } from '../stream/sink';

import type { Recorder } from './recorder';

/** Makes the recorder of a publish. */
export type CreateRecorder = (start: StreamStart) => Recorder;

export class DvrSink implements StreamSink {
  readonly name = 'dvr';
  readonly #create: CreateRecorder;
  #recorder: Recorder | undefined;

  constructor(create: CreateRecorder) {
    this.#create = create;
  }

  onPublish(start: StreamStart): void {
    this.onUnpublish();
    this.#recorder = this.#create(start);
  }

  onMetadata(metadata: AmfObject): void {
    this.#recorder?.takeMetadata(metadata);
  }

  onMessage(message: StreamMessage): void {
    this.#recorder?.take(message);
  }

  onUnpublish(): void {
    this.#recorder?.close();
    this.#recorder = undefined;
  }
}
