/** Owns the sinks of one stream: feeds each, and drops the one that fails until the next publish. */
import { describeError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { AmfObject } from '../../rtmp/amf0-value';

import type { StreamMessage, StreamSink, StreamStart } from './sink';

/** Keeps the failures of one sink away from the others and from the publisher. */
export class SinkSet {
  readonly #sinks = new Set<StreamSink>();
  /** Those between `onPublish` and `onUnpublish`. */
  readonly #running = new Set<StreamSink>();
  #log: Logger | undefined;

  /** True when messages have to be copied for someone. */
  get isRunning(): boolean {
    return this.#running.size > 0;
  }

  /** Adds a sink; `start` = the stream, when it is being published. */
  add(sink: StreamSink, start: StreamStart | undefined): void {
    this.#sinks.add(sink);
    if (start) this.#start(sink, start);
  }

  /** Removes a sink; told `onUnpublish` when it was running. */
  remove(sink: StreamSink): void {
    this.#sinks.delete(sink);
    this.#stop(sink);
  }

  /** A publisher begins. */
  publish(start: StreamStart): void {
    for (const sink of this.#sinks) this.#start(sink, start);
  }

  /** Hands a media message on. */
  message(message: StreamMessage): void {
    for (const sink of this.#running) {
      this.#guard(sink, () => {
        sink.onMessage(message);
      });
    }
  }

  /** Hands the metadata on. */
  metadata(metadata: AmfObject, message: StreamMessage): void {
    for (const sink of this.#running) {
      this.#guard(sink, () => {
        sink.onMetadata(metadata, message);
      });
    }
  }

  /** Tells whether timestamps are absolute from now on. */
  setAbsolute(isAbsolute: boolean): void {
    for (const sink of this.#running) {
      this.#guard(sink, () => {
        sink.onAbsolute?.(isAbsolute);
      });
    }
  }

  /** The publisher left. */
  unpublish(): void {
    for (const sink of this.#running) this.#stop(sink);
  }

  #start(sink: StreamSink, start: StreamStart): void {
    this.#log = start.log;
    this.#running.add(sink);
    this.#guard(sink, () => {
      sink.onPublish(start);
    });
  }

  #stop(sink: StreamSink): void {
    if (!this.#running.delete(sink)) return;
    try {
      sink.onUnpublish();
    } catch (error) {
      this.#log?.warn(`${sink.name} failed to stop: ${describeError(error)}`);
    }
  }

  #guard(sink: StreamSink, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log?.warn(
        `${sink.name} disabled until the next publish: ${describeError(error)}`,
        error,
      );
      this.#stop(sink);
    }
  }
}
